package shop_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.invalid/shop/internal/catalog"
	"example.invalid/shop/internal/shop"
)

// Both services for real, each on a port of its own.
func start(t *testing.T) (shopAddress string, stopCatalog func()) {
	t.Helper()
	stock := httptest.NewServer(catalog.New(
		catalog.Product{SKU: "tea", Name: "Green tea", Cents: 450, Stock: 3},
	).Routes())
	t.Cleanup(stock.Close)
	front := httptest.NewServer(shop.New(stock.URL).Routes())
	t.Cleanup(front.Close)
	return front.URL, stock.Close
}

func order(t *testing.T, address, body string) (status int, answer map[string]any) {
	t.Helper()
	response, err := http.Post(address+"/orders", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

func TestOrders(t *testing.T) {
	cases := map[string]struct {
		body   string
		status int
		key    string
		value  any
	}{
		"in stock":        {`{"sku":"tea","quantity":2}`, http.StatusCreated, "total", 900.0},
		"too many":        {`{"sku":"tea","quantity":4}`, http.StatusConflict, "error", "not enough in stock"},
		"unknown product": {`{"sku":"../tea","quantity":1}`, http.StatusNotFound, "error", "no such product"},
		"no quantity":     {`{"sku":"tea"}`, http.StatusBadRequest, "error", "`quantity` must be a whole number above 0"},
		"not JSON":        {`{`, http.StatusBadRequest, "error", "an order needs `sku` and `quantity`"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			address, _ := start(t)
			status, answer := order(t, address, c.body)
			if status != c.status || answer[c.key] != c.value {
				t.Errorf("got %d %v, want %d with %s %v", status, answer, c.status, c.key, c.value)
			}
		})
	}
}

func TestStockRunsOut(t *testing.T) {
	address, _ := start(t)
	for _, want := range []int{http.StatusCreated, http.StatusConflict} {
		if status, answer := order(t, address, `{"sku":"tea","quantity":2}`); status != want {
			t.Errorf("got %d %v, want %d", status, answer, want)
		}
	}
}

func TestWithoutCatalog(t *testing.T) {
	address, stopCatalog := start(t)
	stopCatalog()
	if status, _ := order(t, address, `{"sku":"tea","quantity":1}`); status != http.StatusBadGateway {
		t.Errorf("got %d, want 502", status)
	}
	health, err := http.Get(address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer health.Body.Close()
	if health.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("health says %d without a catalog, want 503", health.StatusCode)
	}
}

// Package shop takes orders. What is for sale it asks the catalog service, over HTTP.
package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"example.invalid/shop/internal/serve"
)

// Shop talks to the catalog service at one address.
type Shop struct {
	catalog string
	client  *http.Client
}

// New returns a shop that buys from the catalog service at address, e.g. "http://127.0.0.1:8081".
func New(address string) *Shop {
	return &Shop{catalog: address, client: &http.Client{Timeout: 2 * time.Second}}
}

type order struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

type receipt struct {
	Name  string `json:"name"`
	Cents int    `json:"cents"`
	Total int    `json:"total"`
}

// Routes: POST /orders with {"sku": "…", "quantity": n}, GET /healthz (which asks the catalog too).
func (s *Shop) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", serve.Health(s.catalogAnswers))
	mux.HandleFunc("POST /orders", s.order)
	return mux
}

func (s *Shop) order(w http.ResponseWriter, r *http.Request) {
	var wanted order
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || wanted.SKU == "" {
		serve.JSON(w, http.StatusBadRequest, serve.Problem{Error: "an order needs `sku` and `quantity`"})
		return
	}
	answer, err := s.reserve(r.Context(), wanted)
	if err != nil {
		serve.JSON(w, http.StatusBadGateway, serve.Problem{Error: "the catalog cannot be reached: " + err.Error()})
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		passOn(w, answer)
		return
	}
	var bought receipt
	if err := json.NewDecoder(answer.Body).Decode(&bought); err != nil {
		serve.JSON(w, http.StatusBadGateway, serve.Problem{Error: "the catalog's answer is not understood"})
		return
	}
	bought.Total = bought.Cents * wanted.Quantity
	serve.JSON(w, http.StatusCreated, bought)
}

func (s *Shop) reserve(ctx context.Context, wanted order) (*http.Response, error) {
	body, err := json.Marshal(map[string]int{"quantity": wanted.Quantity})
	if err != nil {
		return nil, err
	}
	address := s.catalog + "/products/" + url.PathEscape(wanted.SKU) + "/reserve"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return s.client.Do(request)
}

// What the catalog refuses is the client's business: same status, same reason.
func passOn(w http.ResponseWriter, answer *http.Response) {
	var problem serve.Problem
	if err := json.NewDecoder(answer.Body).Decode(&problem); err != nil {
		problem.Error = answer.Status
	}
	serve.JSON(w, answer.StatusCode, problem)
}

func (s *Shop) catalogAnswers(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.catalog+"/healthz", nil)
	if err != nil {
		return err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the catalog says %s", answer.Status)
	}
	return nil
}

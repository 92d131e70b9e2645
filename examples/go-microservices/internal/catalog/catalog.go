// Package catalog knows the products and how many of each are left.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"example.invalid/shop/internal/serve"
)

// Product is one thing for sale; the price is in cents.
type Product struct {
	SKU   string `json:"sku"`
	Name  string `json:"name"`
	Cents int    `json:"cents"`
	Stock int    `json:"stock"`
}

var (
	errUnknown = errors.New("no such product")
	errTooFew  = errors.New("not enough in stock")
)

// Catalog is safe for use by several requests at once.
type Catalog struct {
	mu       sync.Mutex
	products map[string]Product
}

// New returns a catalog of products.
func New(products ...Product) *Catalog {
	c := &Catalog{products: make(map[string]Product)}
	for _, p := range products {
		c.products[p.SKU] = p
	}
	return c
}

// Routes: GET /products, GET /products/{sku}, POST /products/{sku}/reserve with {"quantity": n}, GET /healthz.
func (c *Catalog) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", serve.Health(func(context.Context) error { return nil }))
	mux.HandleFunc("GET /products", c.list)
	mux.HandleFunc("GET /products/{sku}", c.show)
	mux.HandleFunc("POST /products/{sku}/reserve", c.reserve)
	return mux
}

func (c *Catalog) list(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Product, 0, len(c.products))
	for _, p := range c.products {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Product) int { return strings.Compare(a.SKU, b.SKU) })
	serve.JSON(w, http.StatusOK, all)
}

func (c *Catalog) show(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	product, known := c.products[r.PathValue("sku")]
	if !known {
		serve.JSON(w, http.StatusNotFound, serve.Problem{Error: errUnknown.Error()})
		return
	}
	serve.JSON(w, http.StatusOK, product)
}

func (c *Catalog) reserve(w http.ResponseWriter, r *http.Request) {
	var order struct{ Quantity int }
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil || order.Quantity < 1 {
		serve.JSON(w, http.StatusBadRequest, serve.Problem{Error: "`quantity` must be a whole number above 0"})
		return
	}
	product, err := c.take(r.PathValue("sku"), order.Quantity)
	switch {
	case errors.Is(err, errUnknown):
		serve.JSON(w, http.StatusNotFound, serve.Problem{Error: err.Error()})
	case err != nil:
		serve.JSON(w, http.StatusConflict, serve.Problem{Error: err.Error()})
	default:
		serve.JSON(w, http.StatusOK, product)
	}
}

func (c *Catalog) take(sku string, quantity int) (Product, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	product, known := c.products[sku]
	if !known {
		return Product{}, errUnknown
	}
	if product.Stock < quantity {
		return Product{}, errTooFew
	}
	product.Stock -= quantity
	c.products[sku] = product
	return product, nil
}

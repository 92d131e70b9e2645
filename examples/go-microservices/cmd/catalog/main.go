// Command catalog serves the products on CATALOG_LISTEN (:8081).
package main

import (
	"cmp"
	"log"
	"os"

	"example.invalid/shop/internal/catalog"
	"example.invalid/shop/internal/serve"
)

func main() {
	log.SetPrefix("catalog: ")
	products := catalog.New(
		catalog.Product{SKU: "coffee", Name: "Coffee beans", Cents: 1200, Stock: 50},
		catalog.Product{SKU: "tea", Name: "Green tea", Cents: 450, Stock: 20},
	)
	address := cmp.Or(os.Getenv("CATALOG_LISTEN"), ":8081")
	if err := serve.Until(address, products.Routes()); err != nil {
		log.Fatal(err)
	}
}

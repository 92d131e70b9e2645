// Command shop takes orders on SHOP_LISTEN (:8080) and asks the catalog service at CATALOG_URL.
package main

import (
	"cmp"
	"log"
	"os"

	"example.invalid/shop/internal/serve"
	"example.invalid/shop/internal/shop"
)

func main() {
	log.SetPrefix("shop: ")
	front := shop.New(cmp.Or(os.Getenv("CATALOG_URL"), "http://127.0.0.1:8081"))
	address := cmp.Or(os.Getenv("SHOP_LISTEN"), ":8080")
	if err := serve.Until(address, front.Routes()); err != nil {
		log.Fatal(err)
	}
}

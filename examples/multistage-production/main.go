// Command shorten is a URL shortener: PUT /NAME with an address as body, then GET /NAME redirects there.
//
// With -health it asks a running instance whether it is well and exits 0 or 1: the final image has no curl to do so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", ":8080", "`address` to serve on")
	health := flag.Bool("health", false, "ask the instance on -listen whether it is well, then exit")
	flag.Parse()
	run := serve
	if *health {
		run = ask
	}
	if err := run(*listen); err != nil {
		log.Fatal(err)
	}
}

func serve(address string) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	server := &http.Server{Addr: address, Handler: newLinks().routes(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-stop.Done()
		drain, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		if err := server.Shutdown(drain); err != nil {
			log.Print(err)
		}
	}()
	log.Printf("listening on %s as uid %d", address, os.Getuid())
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func ask(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://" + net.JoinHostPort("127.0.0.1", port) + "/healthz")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s", answer.Status)
	}
	return nil
}

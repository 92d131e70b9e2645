// Package serve has what both services need around their routes: JSON answers, a health route, a graceful end.
package serve

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

// Problem is the body of every answer that is not a success.
type Problem struct {
	Error string `json:"error"`
}

// JSON answers with status and value. An error while writing means that the client has gone: nobody is left to tell.
func JSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// Health answers 200 when ready returns nil, and 503 with its error otherwise.
func Health(ready func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			JSON(w, http.StatusServiceUnavailable, Problem{err.Error()})
			return
		}
		JSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}
}

// Until serves handler on address until the process is told to stop; requests under way get five seconds to finish.
func Until(address string, handler http.Handler) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	log.Printf("listening on %s", address)
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	drain, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	if err := server.Shutdown(drain); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

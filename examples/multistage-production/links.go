package main

import (
	"io"
	"net/http"
	"net/url"
	"sync"
)

const longestURL = 2048

// links maps names to addresses; safe for use by several requests at once.
type links struct {
	mu      sync.RWMutex
	targets map[string]string
}

func newLinks() *links {
	return &links{targets: make(map[string]string)}
}

func (l *links) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /{name}", l.follow)
	mux.HandleFunc("PUT /{name}", l.put)
	return mux
}

func (l *links) follow(w http.ResponseWriter, r *http.Request) {
	l.mu.RLock()
	target, known := l.targets[r.PathValue("name")]
	l.mu.RUnlock()
	if !known {
		http.Error(w, "no such link", http.StatusNotFound)
		return
	}
	http.Redirect(w, r, target, http.StatusFound)
}

func (l *links) put(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestURL))
	if err != nil {
		http.Error(w, "the address is too long", http.StatusRequestEntityTooLarge)
		return
	}
	target, err := url.Parse(string(body))
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		http.Error(w, "the body must be an http or https address", http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	l.targets[r.PathValue("name")] = target.String()
	l.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func answer(handler http.Handler, method, path, body string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	return recorder
}

func TestALinkRedirects(t *testing.T) {
	routes := newLinks().routes()
	if got := answer(routes, http.MethodGet, "/docs", "").Code; got != http.StatusNotFound {
		t.Errorf("before: %d, want 404", got)
	}
	if got := answer(routes, http.MethodPut, "/docs", "https://example.com/a?b=c").Code; got != http.StatusCreated {
		t.Errorf("put: %d, want 201", got)
	}
	followed := answer(routes, http.MethodGet, "/docs", "")
	if got := followed.Header().Get("Location"); followed.Code != http.StatusFound || got != "https://example.com/a?b=c" {
		t.Errorf("after: %d to %q", followed.Code, got)
	}
}

func TestOnlyWebAddressesAreTaken(t *testing.T) {
	cases := map[string]int{
		"javascript:alert(1)": http.StatusBadRequest,
		"/relative":           http.StatusBadRequest,
		"":                    http.StatusBadRequest,
		"https://x/" + strings.Repeat("y", longestURL): http.StatusRequestEntityTooLarge,
	}
	for body, want := range cases {
		if got := answer(newLinks().routes(), http.MethodPut, "/x", body).Code; got != want {
			t.Errorf("%.30q: %d, want %d", body, got, want)
		}
	}
}

func TestHealth(t *testing.T) {
	server := httptest.NewServer(newLinks().routes())
	address := strings.TrimPrefix(server.URL, "http://")
	if err := ask(address); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	server.Close()
	if ask(address) == nil {
		t.Error("after it ended: no error")
	}
}

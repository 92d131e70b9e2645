// Validates a document against the schema that the OCI image specification has for its media type.
// Usage: schema MEDIA-TYPE FILE
package main

import (
	"log"
	"os"

	"github.com/opencontainers/image-spec/schema"
	"github.com/opencontainers/image-spec/specs-go/v1"
)

var known = map[string]schema.Validator{
	v1.MediaTypeImageManifest: schema.ValidatorMediaTypeManifest,
	v1.MediaTypeImageIndex:    schema.ValidatorMediaTypeImageIndex,
	v1.MediaTypeImageConfig:   schema.ValidatorMediaTypeImageConfig,
	v1.MediaTypeLayoutHeader:  schema.ValidatorMediaTypeLayoutHeader,
}

func main() {
	validator, ok := known[os.Args[1]]
	if !ok {
		log.Fatalf("there is no schema for %s", os.Args[1])
	}
	file, err := os.Open(os.Args[2])
	if err == nil {
		err = validator.Validate(file)
	}
	if err != nil {
		log.Fatal(err)
	}
}

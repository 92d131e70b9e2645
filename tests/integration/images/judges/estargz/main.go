// Opens an eStargz layer with stargz-snapshotter's library, verifies its table of contents against the digest and reads
// two files through it, every chunk verified. Usage: judge BLOB TOC-DIGEST
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/opencontainers/go-digest"
)

func main() {
	file, err := os.Open(os.Args[1])
	check(err)
	info, err := file.Stat()
	check(err)
	reader, err := estargz.Open(io.NewSectionReader(file, 0, info.Size()))
	check(err)
	verifier, err := reader.VerifyTOC(digest.Digest(os.Args[2]))
	check(err)
	for _, name := range []string{"small", "dir/" + strings.Repeat("n", 150)} {
		read(reader, verifier, name)
	}
}

func read(reader *estargz.Reader, verifier estargz.TOCEntryVerifier, name string) {
	entry, ok := reader.Lookup(name)
	if !ok {
		log.Fatalf("%s is not in the table of contents", name)
	}
	content, err := reader.OpenFile(name)
	check(err)
	for at := int64(0); at < entry.Size; {
		chunk, ok := reader.ChunkEntryForOffset(name, at)
		if !ok {
			log.Fatalf("%s has no chunk at %d", name, at)
		}
		verify, err := verifier.Verifier(chunk)
		check(err)
		_, err = io.Copy(verify, io.NewSectionReader(content, at, chunk.ChunkSize))
		check(err)
		if !verify.Verified() {
			log.Fatalf("%s: the chunk at %d is another one", name, at)
		}
		at += chunk.ChunkSize
	}
	fmt.Printf("%s: %d\n", name, entry.Size)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

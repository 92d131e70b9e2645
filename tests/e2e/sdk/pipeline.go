// The pipeline of every SDK's test, in Go: prints one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"

	"dagger.io/dagger"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dag, err := dagger.Connect(ctx)
	if err != nil {
		return err
	}
	defer dag.Close()
	base := dag.Container().WithRootfs(dag.Host().Directory("busybox"))
	www := dag.Directory().WithNewFile("index.html", "served\n")
	service := base.WithDirectory("/www", www).WithExposedPort(8080).
		AsService(dagger.ContainerAsServiceOpts{Args: []string{"httpd", "-f", "-p", "8080", "-h", "/www"}})
	built := base.WithEnvVariable("A", "1").
		WithMountedCache("/cache", dag.CacheVolume("sdk")).
		WithSecretVariable("TOKEN", dag.SetSecret("token", "hunter2")).
		WithServiceBinding("web", service).
		WithWorkdir("/out").
		WithExec([]string{"sh", "-c", "wget -qO page http://web:8080/; echo $TOKEN; echo $A > /cache/a"})
	failed := "did not fail"
	var exec *dagger.ExecError
	if _, err := base.WithExec([]string{"sh", "-c", "echo why >&2; exit 3"}).Sync(ctx); errors.As(err, &exec) {
		failed = fmt.Sprintf("%d %s", exec.ExitCode, exec.Stderr)
	}
	stdout, err := built.Stdout(ctx)
	if err != nil {
		return err
	}
	entries, err := built.Directory("/out").Entries(ctx)
	if err != nil {
		return err
	}
	page, err := built.File("/out/page").Contents(ctx)
	if err != nil {
		return err
	}
	found, err := built.EnvVariables(ctx)
	if err != nil {
		return err
	}
	variables := []string{}
	for _, one := range found {
		name, err := one.Name(ctx)
		if err != nil {
			return err
		}
		variables = append(variables, name)
	}
	exported, err := built.File("/out/page").Export(ctx, "exported")
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"stdout": stdout, "entries": entries, "page": page, "variables": variables,
		"exported": path.Base(exported), "failed": failed,
	})
}

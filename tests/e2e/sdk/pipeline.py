"""The pipeline of every SDK's test, in Python: prints one line of JSON."""

import json

import anyio
import dagger
from dagger import dag


async def main() -> None:
    async with dagger.connection():
        base = dag.container().with_rootfs(dag.host().directory("busybox"))
        www = dag.directory().with_new_file("index.html", "served\n")
        web = base.with_directory("/www", www).with_exposed_port(8080)
        service = web.as_service(args=["httpd", "-f", "-p", "8080", "-h", "/www"])
        secret = dag.set_secret("token", "hunter2")
        built = (
            base.with_env_variable("A", "1")
            .with_mounted_cache("/cache", dag.cache_volume("sdk"))
            .with_secret_variable("TOKEN", secret)
            .with_service_binding("web", service)
            .with_workdir("/out")
            .with_exec(["sh", "-c", "wget -qO page http://web:8080/; echo $TOKEN; echo $A > /cache/a"])
        )
        try:
            await base.with_exec(["sh", "-c", "echo why >&2; exit 3"]).sync()
            failed = "did not fail"
        except dagger.ExecError as error:
            failed = f"{error.exit_code} {error.stderr}"
        found = {
            "stdout": await built.stdout(),
            "entries": await built.directory("/out").entries(),
            "page": await built.file("/out/page").contents(),
            "variables": [await one.name() for one in await built.env_variables()],
            "exported": (await built.file("/out/page").export("exported")).rsplit("/", 1)[-1],
            "failed": failed,
        }
        print(json.dumps(found))


anyio.run(main)

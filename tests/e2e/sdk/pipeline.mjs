// The pipeline of every SDK's test, in TypeScript's SDK: prints one line of JSON.
import { connection, dag, ExecError } from "@dagger.io/dagger"

await connection(async () => {
  const base = dag.container().withRootfs(dag.host().directory("busybox"))
  const www = dag.directory().withNewFile("index.html", "served\n")
  const web = base.withDirectory("/www", www).withExposedPort(8080)
  const service = web.asService({ args: ["httpd", "-f", "-p", "8080", "-h", "/www"] })
  const secret = dag.setSecret("token", "hunter2")
  const built = base
    .withEnvVariable("A", "1")
    .withMountedCache("/cache", dag.cacheVolume("sdk"))
    .withSecretVariable("TOKEN", secret)
    .withServiceBinding("web", service)
    .withWorkdir("/out")
    .withExec(["sh", "-c", "wget -qO page http://web:8080/; echo $TOKEN; echo $A > /cache/a"])
  let failed = "did not fail"
  try {
    await base.withExec(["sh", "-c", "echo why >&2; exit 3"]).sync()
  } catch (error) {
    if (!(error instanceof ExecError)) throw error
    failed = `${error.exitCode} ${error.stderr}`
  }
  const variables = await built.envVariables()
  const found = {
    stdout: await built.stdout(),
    entries: await built.directory("/out").entries(),
    page: await built.file("/out/page").contents(),
    variables: await Promise.all(variables.map((one) => one.name())),
    exported: (await built.file("/out/page").export("exported")).split("/").pop(),
    failed,
  }
  console.log(JSON.stringify(found))
})

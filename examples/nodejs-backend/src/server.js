import { createApp } from "./app.js";
import { Notes } from "./notes.js";

const port = Number(process.env.PORT ?? 3000);
const server = createApp(new Notes()).listen(port, "0.0.0.0", () => console.log(`listening on port ${port}`));

// Requests that are under way get their answer before the container stops.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => server.close(() => process.exit(0)));
}

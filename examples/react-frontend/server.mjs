import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { pathToFileURL } from "node:url";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/**
 * Serves the built page from `root`. Files under /assets carry a hash in their name, so browsers may keep them for
 * good; a path without an extension is the application's own (it routes itself), so it gets the page.
 */
export function createSite(root) {
  return createServer(async (request, response) => {
    if (!["GET", "HEAD"].includes(request.method)) return end(response, 405);
    const path = requestedPath(request.url);
    if (path === undefined) return end(response, 400);
    const file = join(root, extname(path) ? path : "index.html");
    const size = await fileSize(file);
    if (size === undefined) return end(response, 404);
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-length": size,
      "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      "x-content-type-options": "nosniff",
    });
    if (request.method === "HEAD") return response.end();
    return createReadStream(file).on("error", () => response.destroy()).pipe(response);
  });
}

// Decoded, then normalized from the root: no number of `..` leads above it.
function requestedPath(url) {
  try {
    return normalize(decodeURIComponent(new URL(url, "http://site").pathname));
  } catch {
    return undefined;
  }
}

async function fileSize(file) {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined;
  }
}

function end(response, status) {
  response.writeHead(status, { "content-type": "text/plain" }).end(`${status}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const port = Number(process.env.PORT ?? 8080);
  const site = createSite(process.env.ROOT ?? "dist");
  site.listen(port, "0.0.0.0", () => console.log(`listening on port ${port}`));
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => site.close(() => process.exit(0)));
  }
}

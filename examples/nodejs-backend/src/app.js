import express from "express";

/** The application without a port, so that tests can start it on any. */
export function createApp(notes) {
  const app = express();
  app.disable("x-powered-by");
  app.use(express.json({ limit: "16kb" }));

  app.get("/healthz", (_request, response) => response.json({ status: "ok" }));
  app.get("/notes", (_request, response) => response.json(notes.all()));

  app.post("/notes", (request, response) => {
    const text = request.body?.text;
    if (typeof text !== "string" || text.trim() === "") {
      return response.status(400).json({ error: "`text` must be a string that is not empty" });
    }
    const note = notes.add(text.trim());
    return response.status(201).location(`/notes/${note.id}`).json(note);
  });

  app.get("/notes/:id", (request, response) => {
    const note = notes.find(Number(request.params.id));
    return note ? response.json(note) : notFound(request, response);
  });

  app.delete("/notes/:id", (request, response) =>
    notes.remove(Number(request.params.id)) ? response.status(204).end() : notFound(request, response),
  );

  app.use(notFound);
  app.use(clientError);
  return app;
}

function notFound(request, response) {
  response.status(404).json({ error: `there is nothing at ${request.path}` });
}

// Express knows an error handler by its four parameters.
function clientError(error, _request, response, _next) {
  const status = error.status ?? 500;
  if (status >= 500) console.error(error);
  response.status(status).json({ error: status < 500 ? error.message : "internal error" });
}

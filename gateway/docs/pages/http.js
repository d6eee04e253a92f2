// The script of /docs/http: Swagger UI shows the OpenAPI document.
globalThis.SwaggerUIBundle({
  url: '/docs/openapi.json',
  dom_id: '#document',
  deepLinking: true,
  validatorUrl: null, // It would send the document to another server.
  defaultModelsExpandDepth: 0,
});

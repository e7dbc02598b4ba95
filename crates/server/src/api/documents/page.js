"use strict";

// A key that is typed in stays in this page's memory, and no other host is asked to validate the document.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#viewer",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});

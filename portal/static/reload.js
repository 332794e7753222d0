/* A form that is sent as soon as a choice changes; its button stays for keyboards and for no script. */
"use strict";
for (const form of document.querySelectorAll("form.choose")) {
  form.addEventListener("change", (event) => {
    if (event.target.tagName === "SELECT") form.requestSubmit();
  });
  // An address without empty choices is easier to read and to pass on.
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData.entries()]) if (value === "") event.formData.delete(name);
  });
}

/* Makes plotly draw under "default-src 'self'", without loosening the policy. Loaded right before it.

   Plotly does three things that such a policy refuses, each of which has an allowed twin:
   1. It creates a <style> element for its rules. The page has a stylesheet under that element's id instead, and plotly
      adds its rules to that through the CSSOM.
   2. It sets style attributes as text (setAttribute). The same text set as style.cssText is not inline style.
   3. Its bundled map library adds a <style> element of its own unless one with its id is there; no chart here is a map. */
"use strict";
(() => {
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style" && this.style) {
      this.style.cssText = value;
      return;
    }
    setAttribute.call(this, name, value);
  };
  const map = document.createElement("meta");
  map.id = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
  document.head.append(map);
})();

// Runs in the page whose cookie is missing, and tries what that page's own requests would try.
(() => {
  const asked = new URL(document.currentScript.src);
  const question = (credentials) =>
    // The answer is empty: whether the page may read it is the question.
    fetch(asked.href.replace(/\.js$/, ""), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      credentials,
    }).then(
      () => true,
      () => false,
    );
  globalThis.limenWhy = {
    answer(told) {
      Object.assign(this, told);
      const say = told.cause === "arrived" ? console.info : console.warn;
      say(["Limen:", told.sentence, told.remedy, ...told.also].join(" "));
    },
  };
  (async () => {
    const found = new URLSearchParams({
      page: location.origin,
      api: asked.origin,
      with: await question("include"),
      without: await question("omit"),
    });
    const next = document.createElement("script");
    next.src = `${asked.href}?${found}`;
    document.head.append(next);
  })();
})();

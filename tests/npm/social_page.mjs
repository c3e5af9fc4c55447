// The script of a page with the unmodified better-auth client; bundled by the suite.
import { createAuthClient } from "better-auth/client";

window.auth = createAuthClient();

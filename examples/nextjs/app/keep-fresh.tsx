"use client";

import { usePathname } from "next/navigation";
import { useEffect } from "react";

/**
 * Renews what is due, where a Set-Cookie arrives: in the browser.
 *
 * A server component reads with a GET, which never renews. This POST does, and only when the
 * API finds it due. It is sent after each navigation and when the person comes back to the tab.
 */
export function KeepFresh() {
  const path = usePathname();
  useEffect(() => {
    const renew = () => {
      if (document.visibilityState === "visible") {
        fetch("/api/auth/get-session", { method: "POST" }).catch(() => undefined);
      }
    };
    renew();
    document.addEventListener("visibilitychange", renew);
    return () => document.removeEventListener("visibilitychange", renew);
  }, [path]);
  return null;
}

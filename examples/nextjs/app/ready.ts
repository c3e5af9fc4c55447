"use client";

import { useSyncExternalStore } from "react";

const never = () => () => undefined;

/** Whether the page's script runs: before that, a button that needs it says so by being off. */
export function useReady(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}

// Follows a job: says what goes on, and goes on to the result when there is one.

const EVERY_MS = 700;

/**
 * @typedef {object} Job
 * @property {"running" | "done" | "stopped" | "failed"} state
 * @property {string} progress
 * @property {string | null} result
 */

const section = document.querySelector("[data-job]");
const progress = section?.querySelector("[data-progress]");
const id = section?.getAttribute("data-job");

/** Ask once, show what is new, and ask again later unless the job has ended. */
async function follow() {
  /** @type {Job} */
  let job;
  try {
    const answer = await fetch(`/jobs/${id}/state`);
    job = await answer.json();
  } catch {
    // The Lab was stopped, or is busy: the next look will tell.
    setTimeout(follow, EVERY_MS * 3);
    return;
  }
  if (job.state !== "running") {
    location.replace(job.result ?? location.href);
    return;
  }
  if (progress && progress.textContent !== job.progress) {
    progress.textContent = job.progress;
  }
  setTimeout(follow, EVERY_MS);
}

if (id) {
  setTimeout(follow, EVERY_MS);
}

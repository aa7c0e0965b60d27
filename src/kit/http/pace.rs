//! How fast requests may follow each other: a bucket of tokens, filled at most half as fast as the server
//! grants requests. What it grants is read from every answer (`RateLimit-*`, `X-RateLimit-*`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::answer::Headers;
use crate::job::CallCtx;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// Requests that may follow each other at once.
const BURST: f64 = 5.0;
/// Nobody waits longer than this for a token.
const MOST_WAIT: Duration = Duration::from_secs(60);
/// Seconds since 1970 begin here; smaller numbers are seconds from now.
const EPOCH_SECS: f64 = 1e9;

/// The pace of one server.
pub(super) struct Pace(Mutex<Bucket>);

struct Bucket {
    /// Below nothing where requests are promised that must still wait.
    tokens: f64,
    per_sec: f64,
    /// What `per_sec` never exceeds.
    ceiling: f64,
    burst: f64,
    seen: Instant,
}

impl Pace {
    /// At most so many requests a second until the server says less.
    pub(super) fn new(per_sec: f64) -> Self {
        let ceiling = per_sec.max(0.01);
        let seen = Instant::now();
        Self(Mutex::new(Bucket { tokens: BURST, per_sec: ceiling, ceiling, burst: BURST, seen }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a token.
    ///
    /// # Errors
    /// `rate_limited` where that would take more than a minute, `cancelled`.
    pub(super) async fn take(&self, ctx: &CallCtx, stage: &str) -> Result<()> {
        let wait = self.lock().take(Instant::now());
        if wait > MOST_WAIT {
            self.lock().tokens += 1.0;
            let seconds = wait.as_secs();
            return Err(Error::new(
                ErrorKind::RateLimited,
                stage,
                format!("the server grants so few requests that the next one is due in {seconds} s"),
            )
            .hint("wait until its limit is lifted, or ask for fewer pages")
            .retry(Retry::Later));
        }
        pause(ctx, wait, stage).await
    }

    /// Slows down to half of what an answer still grants.
    pub(super) fn heed(&self, headers: &Headers) {
        let now_secs = jiff::Timestamp::now().as_second() as f64;
        if let Some((remaining, seconds)) = granted(headers, now_secs) {
            self.lock().grant(remaining, seconds);
        }
    }
}

impl Bucket {
    /// Takes a token and says how long to wait until it is there.
    fn take(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.seen).as_secs_f64();
        self.seen = now;
        self.tokens = (self.tokens + passed * self.per_sec).min(self.burst) - 1.0;
        let lacking = (-self.tokens).max(0.0) / self.per_sec;
        Duration::from_secs_f64(lacking.min(1e6))
    }

    fn grant(&mut self, remaining: f64, seconds: f64) {
        let half = remaining / 2.0;
        self.burst = half.clamp(0.5, BURST);
        self.tokens = self.tokens.min(self.burst);
        // What may be sent at once is part of the half.
        let rest = (half - self.burst).max(0.5);
        self.per_sec = (rest / seconds.max(1.0)).min(self.ceiling);
    }
}

/// Requests that are still granted, and for how many seconds.
fn granted(headers: &Headers, now_secs: f64) -> Option<(f64, f64)> {
    let number = |name: &str| headers.get(name).and_then(|text| text.trim().parse::<f64>().ok());
    let any = |names: &[&str]| names.iter().find_map(|name| number(name));
    let structured = headers.get("ratelimit").map(structured).unwrap_or_default();
    let remaining = structured
        .0
        .or_else(|| any(&["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"]))?;
    let reset = structured
        .1
        .or_else(|| {
            any(&["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset", "x-ratelimit-reset-after"])
        })
        .unwrap_or(60.0);
    let seconds = if reset >= EPOCH_SECS { reset - now_secs } else { reset };
    (remaining.is_finite() && seconds.is_finite()).then(|| (remaining.max(0.0), seconds.clamp(1.0, 86_400.0)))
}

/// `limit=100, remaining=50, reset=30` and `"default";r=50;t=30`.
fn structured(text: &str) -> (Option<f64>, Option<f64>) {
    let (mut remaining, mut reset) = (None, None);
    for part in text.split([',', ';']) {
        let Some((name, value)) = part.split_once('=') else { continue };
        match name.trim() {
            "remaining" | "r" => remaining = remaining.or(value.trim().parse().ok()),
            "reset" | "t" => reset = reset.or(value.trim().parse().ok()),
            _ => {}
        }
    }
    (remaining, reset)
}

/// Waits, unless the call is cancelled meanwhile.
pub(super) async fn pause(ctx: &CallCtx, wait: Duration, stage: &str) -> Result<()> {
    if wait.is_zero() {
        return ctx.check(stage);
    }
    tokio::select! {
        biased;
        () = ctx.cancelled() => Err(Error::cancelled(stage)),
        () = tokio::time::sleep(wait) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_grants_is_read_in_every_spelling() {
        let now = 1_700_000_000.0;
        for (headers, expected) in [
            (vec![("ratelimit-remaining", "50"), ("ratelimit-reset", "30")], Some((50.0, 30.0))),
            (vec![("x-ratelimit-remaining", "50"), ("x-ratelimit-reset", "1700000030")], Some((50.0, 30.0))),
            (vec![("ratelimit", "limit=100, remaining=50, reset=30")], Some((50.0, 30.0))),
            (vec![("ratelimit", r#""default";r=50;t=30"#)], Some((50.0, 30.0))),
            (vec![("x-ratelimit-remaining", "7")], Some((7.0, 60.0))),
            (vec![("x-ratelimit-remaining", "-5"), ("x-ratelimit-reset", "12")], Some((0.0, 12.0))),
            (vec![("x-ratelimit-remaining", "many")], None),
            (vec![("content-type", "application/json")], None),
        ] {
            assert_eq!(granted(&Headers::of(&headers), now), expected, "{headers:?}");
        }
    }

    #[test]
    fn at_most_half_of_what_is_granted_is_used() {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: BURST, per_sec: 50.0, ceiling: 50.0, burst: BURST, seen: start };
        bucket.grant(60.0, 60.0);
        let mut now = start;
        let mut sent = 0;
        while now < start + Duration::from_secs(60) {
            now += bucket.take(now);
            sent += 1;
        }
        assert!((25..=31).contains(&sent), "{sent} of 60 in a minute");
        bucket.grant(0.0, 3_600.0);
        assert!(bucket.take(now) > MOST_WAIT);
    }
}

/*
 * stats - counts and latencies of a run, told as one JSON line.
 */
#ifndef POMONA_SIM_STATS_H
#define POMONA_SIM_STATS_H

#include <jansson.h>
#include <stdint.h>

/* Durations in microseconds: 16 steps to each power of two, so that a quantile is right within 6 %.
 */
enum { HISTOGRAM_STEPS = 16, HISTOGRAM_POWERS = 36 };

struct histogram {
	uint64_t count;
	int64_t most;
	uint32_t steps[HISTOGRAM_POWERS * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *histogram, int64_t us);

/* The duration that a share of QUANTILE (0 to 1) does not exceed; 0 when there are none. */
int64_t histogram_quantile(const struct histogram *histogram, double quantile);

/* Count and quantiles, in milliseconds. */
json_t *histogram_json(const struct histogram *histogram);

struct stats {
	uint64_t enrolled, refused, erased, checked_out; /* devices */
	uint64_t renewed;                                /* identities */
	uint64_t pushes;       /* taken by the stand-in for a device of the fleet */
	uint64_t stray_pushes; /* taken by it for anybody else, or with a wrong PushMagic */
	uint64_t push_errors;  /* answered with an error, or not at all */
	uint64_t sessions;     /* from an Idle (or Authenticate) to the last answer */
	uint64_t acknowledged, errors, format_errors; /* answers that arrived */
	uint64_t not_now;
	uint64_t repeats;          /* answers sent a second time, as told */
	uint64_t dropped;          /* commands not answered, as told */
	uint64_t retries;          /* messages sent again: no answer came, or a 503 */
	uint64_t busy;             /* answers 429 and 5xx */
	uint64_t lost;             /* connections lost while an answer was due */
	uint64_t rejected;         /* messages the server would not take: 400, 404, 413 … */
	struct histogram connect;  /* TCP and TLS */
	struct histogram exchange; /* a message, from sending to its whole answer */
	struct histogram session;
	struct histogram wake; /* from a push to the device's first message */
};

/* An object, to be written out. */
json_t *stats_json(const struct stats *stats);

#endif

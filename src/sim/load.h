/*
 * load - every device of a fleet keeps its connection and sends one message after another, as fast
 * as the server answers: what a benchmark needs.
 *
 * The devices are enrolled already.  They say Idle; or, with `answer_bytes`, they acknowledge the
 * command they are given with an InstalledApplicationList of about that size and get the next one
 * with it, as long as there are any.  The count begins when all are connected.
 *
 * With `at_once`, the others wait for their turn: all devices come round, but so many only have a
 * message under way.  With `waits`, the count begins when all are connected and a line has come on
 * the standard input; with `once`, each sends one Idle then, which ends it.
 */
#ifndef POMONA_SIM_LOAD_H
#define POMONA_SIM_LOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "sim/fleet.h"

struct load;

struct load_options {
	long duration_ms;
	long answer_bytes; /* 0: Idle and nothing else */
	bool turns;        /* Idle after each answer, whatever came with it */
	long at_once;      /* messages under way; 0: one of each device */
	bool waits;        /* for a line on stdin when all are connected */
	bool once;         /* one Idle more of each */
};

/* Connects all devices of FLEET, which has to outlive it. */
struct load *load_new(struct fleet *fleet, const struct load_options *options);
void load_free(struct load *load);

/* Tells on the standard output that it waits, and does so; false: there is no line to come. */
bool load_wait_for_line(void);

/* The time is up. */
bool load_is_over(const struct load *load);

/*
 * {"seconds":…,"cpu_seconds":…,"lost":…,"refused":…,"idle":{…},"answer":{…}}; the latter two are
 * counts and quantiles in milliseconds, and "with_command", how many replies held a command.
 */
json_t *load_json(const struct load *load);

#endif

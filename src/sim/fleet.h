/*
 * fleet - N simulated devices: who they are, who may be connected now, what all of them did.
 *
 * A device that sleeps is a name and a few counters (some 150 bytes); everything else it is made
 * of is worked out from the name when it wakes, and given back when it sleeps again.
 */
#ifndef POMONA_SIM_FLEET_H
#define POMONA_SIM_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/plist.h"
#include "sim/device_state.h"
#include "sim/http_client.h"
#include "sim/jsonl.h"
#include "sim/loop.h"
#include "sim/rules.h"
#include "sim/stats.h"

struct enroll_profile;
struct enrollee;
struct session;
struct fleet;

struct fleet_options {
	long devices;             /* with identities of the folder */
	const char *identities;   /* folder of NAME.pem and NAME.key */
	const char *const *links; /* enrollment pages; others enroll from them */
	size_t link_count;
	long enrolling;    /* so many of them, who take the links in turn; 0: one for each */
	const char *name;  /* theirs are NAME-000001, NAME-000002, … */
	bool unsigned_too; /* take a profile without a signature */
	bool renew;        /* each renews its identity once it is enrolled */
	const char *topic;
	const char *checkin_path, *command_path;
	const char *ca; /* PEM file; is also in the devices' CertificateLists; or NULL */
	long concurrency;
	long not_now_retry_ms;
	long retry_cap_ms;    /* longest wait after a 503, whatever Retry-After says */
	long identities_kept; /* in memory, of the first devices; others are read each time */
	long polls;           /* sessions each device makes by itself at the start */
	long rounds;          /* so many times they do so again, each after a line on stdin */
	long answers;         /* each device is to answer so many commands; 0: no such aim */
	bool enrolled;        /* they are enrolled already */
	bool ends_when_idle;  /* there is nobody who could push */
	bool resume;
	bool reenroll;            /* after EraseDevice */
	bool await_configuration; /* enrolled, a device waits for DeviceConfigured … */
	long await_poll_ms;       /* … and asks for commands so often meanwhile */
};

/* Where a device is managed: the fleet's, or what its enrollment profile says. */
struct fleet_server {
	struct fleet_server *next;
	struct http_target target;
	const char *checkin_path, *command_path;
	const char *topic;
	bool sign_messages; /* SignMessage: with an Mdm-Signature */
};

enum device_end { DEVICE_LIVES, DEVICE_GAVE_UP, DEVICE_ERASED, DEVICE_CHECKED_OUT };

struct device {
	struct fleet *fleet;
	const char *name;
	const char *link; /* the page it enrolls from; NULL: it has its identity */
	const struct fleet_server *server;
	struct session *session;    /* this and the next NULL: asleep */
	struct enrollee *enrollee;  /* coming by its identity */
	struct device_state *state; /* NULL: as it left the factory */
	struct tls_ticket *ticket;
	struct tls_identity identity; /* if it is kept, and has been used */
	struct device *next;          /* in the queue for a place */
	struct loop_timer timer;      /* until it polls again after NotNow */
	uint32_t answered;            /* commands */
	uint32_t polls;               /* still to make */
	bool queued, enrolled;
	bool wants_identity, wants_renewal;
	bool busy;         /* has something to do by itself, before it waits for pushes */
	bool was_enrolled; /* its first enrollment is over */
	bool fresh;        /* it has enrolled in this session */
	bool again;        /* a push came while it was connected */
	bool awaiting;     /* DeviceConfigured: nobody can work with it yet */
	enum device_end end;
};

struct fleet {
	struct fleet_options options;
	const struct http_target *target;
	struct fleet_server server;   /* of the options */
	struct fleet_server *servers; /* of profiles */
	const char *anchors;          /* PEM: options.ca's content; NULL: it is not needed */
	struct loop *loop;
	struct rules *rules;
	struct jsonl journal;
	struct stats stats;
	struct plist_reader *reader;
	struct arena scratch; /* of the message that is being made or read */
	struct arena arena;   /* names */
	struct device *devices;
	size_t count;
	uint32_t *index; /* by push token: number of the device + 1, or 0 */
	size_t index_size;
	struct device *first, *last; /* the queue for a place */
	size_t places;               /* taken */
	bool filling;
	size_t to_enroll; /* devices whose first enrollment is not over */
	size_t reached;   /* devices that have answered as many commands as wanted */
	size_t failed;    /* devices that cannot any more */
	size_t busy;      /* devices that have something to do by themselves */
	size_t awaiting;  /* devices that wait for DeviceConfigured */
	uint32_t random;
};

enum fleet_verdict { FLEET_GOES_ON, FLEET_DONE, FLEET_FAILED };

/*
 * Finds the identities and makes the devices.  RULES and JOURNAL are file names or NULL.  The
 * target, and the strings of the options, have to outlive the fleet.
 */
enum err_kind fleet_new(struct fleet **fleet, struct loop *loop, const struct http_target *target,
	const struct fleet_options *options, struct err *err);
enum err_kind fleet_write_journal(struct fleet *fleet, const char *path, struct err *err);
enum err_kind fleet_obey_rules(struct fleet *fleet, const char *path, struct err *err);
void fleet_free(struct fleet *fleet);

/* Enrolls everybody who is not, or polls. */
void fleet_start(struct fleet *fleet);

/* When all have done what they do by themselves: those that live poll as often once more. */
void fleet_poll_again(struct fleet *fleet);

/* All devices are enrolled, have been let go on, and have renewed what is to be renewed. */
bool fleet_is_ready(const struct fleet *fleet);

/* By options.answers or options.ends_when_idle. */
enum fleet_verdict fleet_verdict(const struct fleet *fleet);

/* The stand-in took a push: the device it is for wakes. */
void fleet_push(struct fleet *fleet, const unsigned char *token, size_t len, const char *magic);

/* ---- for session.c ---- */

/* Where PROFILE says; the same one for the same profile.  ERR_BAD_INPUT when it is somewhere that a
 * device of this fleet cannot go. */
enum err_kind fleet_find_server(struct fleet *fleet, const struct enroll_profile *profile,
	const struct fleet_server **server, struct err *err);

/* The device's certificate and key; to be let go of when the connection has them. */
enum err_kind fleet_take_identity(
	struct fleet *fleet, struct device *device, struct tls_identity *identity, struct err *err);

/* Asks for a place: session_run() or enrollee_run() is called when there is one. */
void fleet_enter(struct fleet *fleet, struct device *device);
void fleet_leave(struct fleet *fleet);

void fleet_enrolled(struct fleet *fleet, struct device *device);
/* It waits for DeviceConfigured, or does not any more. */
void fleet_awaits(struct fleet *fleet, struct device *device, bool awaiting);
void fleet_answered(struct fleet *fleet, struct device *device);
void fleet_ended(struct fleet *fleet, struct device *device, enum device_end end);

/* The enrollee is over and freed: the device has what it wanted, or has given up. */
void fleet_equipped(struct fleet *fleet, struct device *device);

/* The session is over and freed; NOT_NOW: the device will come again by itself. */
void fleet_asleep(struct fleet *fleet, struct device *device, bool not_now);

/* From 0 to BELOW - 1. */
uint32_t fleet_random(struct fleet *fleet, uint32_t below);

#endif

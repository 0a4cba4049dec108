/*
 * persona - who a simulated device is: everything follows from its name, so that a simulator that
 * is started again is the same fleet.
 *
 * The kind goes by the number the name ends in (1 iPhone, 2 iPad, 3 Mac, 4 iPhone, and so on
 * round), or by the name's hash when it ends in none.
 */
#ifndef POMONA_SIM_PERSONA_H
#define POMONA_SIM_PERSONA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum persona_kind { PERSONA_IPHONE, PERSONA_IPAD, PERSONA_MAC };

enum { PERSONA_TOKEN_SIZE = 32, PERSONA_UNLOCK_SIZE = 512 };

struct persona_model {
	enum persona_kind kind;
	const char *model_name;   /* iPhone */
	const char *product_name; /* iPhone15,4 */
	const char *model;        /* MTP03LL */
	const char *model_number; /* MTP03LL/A */
	unsigned capacity;        /* GB */
};

struct persona_os {
	const char *version, *build;
};

struct persona {
	const char *name; /* the identity's; not copied */
	const struct persona_model *model;
	const struct persona_os *os;
	char udid[CLOCK_UUID_SIZE];
	char serial[13];
	char push_magic[CLOCK_UUID_SIZE];
	char device_name[64];
	unsigned char token[PERSONA_TOKEN_SIZE];
};

void persona_make(struct persona *persona, const char *name);

/* Seven in eight are. */
bool persona_is_supervised(const struct persona *persona);

/* A Shared iPad; one in three of the supervised iPads is. */
bool persona_is_shared(const struct persona *persona);

/* The push token and the PushMagic alone, for finding the device a push is for. */
void persona_token(const char *name, unsigned char token[PERSONA_TOKEN_SIZE]);
char *persona_magic(const char *name, char magic[CLOCK_UUID_SIZE]);

/* The UnlockToken of a device that has one: an iPhone or iPad. */
void persona_unlock_token(const struct persona *persona, unsigned char token[PERSONA_UNLOCK_SIZE]);

/* LEN bytes that are always the same for this name and LABEL. */
void persona_bytes(const char *name, const char *label, unsigned char *bytes, size_t len);

/* A number from 0 to BELOW - 1, likewise. */
uint32_t persona_pick(const struct persona *persona, const char *label, uint32_t below);

/* A UUID in capitals, likewise. */
char *persona_uuid(const char *name, const char *label, char uuid[CLOCK_UUID_SIZE]);

#endif

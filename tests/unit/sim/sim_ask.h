/*
 * sim_ask - a simulated device in a unit test: commands in, answers out.
 */
#ifndef POMONA_TESTS_SIM_ASK_H
#define POMONA_TESTS_SIM_ASK_H

#include "unit.h"

#include "mdm/catalogue.h"
#include "sim/answers.h"

static struct arena arena;
static struct plist_reader *reader;
static struct device_state *state;

static inline int
sim_setup(void **unused)
{
	(void)unused;
	arena_init(&arena);
	reader = plist_reader_new(plist_limits_default());
	return 0;
}

static inline int
sim_teardown(void **unused)
{
	(void)unused;
	if (state != NULL)
		device_state_release(state);
	free(state);
	state = NULL;
	plist_reader_free(reader);
	arena_release(&arena);
	return 0;
}

/* The path of a file of tests/data/x509. */
static inline const char *
sim_data(const char *name)
{
	const char *top = getenv("srcdir");

	return arena_printf(&arena, "%s/tests/data/x509/%s", top != NULL ? top : ".", name);
}

/* A supervised device of that kind with that OS ("27.0"), or (NULL) any. */
static inline const char *
sim_device(enum persona_kind kind, const char *version)
{
	struct persona persona;

	for (int i = 0; i < 10000; i++) {
		const char *name = arena_printf(&arena, "device-%d", i);

		persona_make(&persona, name);
		if (persona.model->kind == kind && persona_is_supervised(&persona) &&
			(version == NULL || strcmp(persona.os->version, version) == 0))
			return name;
	}
	fail_msg("there is no such device");
	return NULL;
}

/* The device's answer to REQUEST with the keys of ARGS (NULL: none), a dictionary. */
static inline struct answer
sim_ask(const char *name, const char *request, const struct plist *args)
{
	struct persona persona;
	const struct answer_device device = {.persona = &persona,
		.state = &state,
		.reader = reader,
		.certificate = sim_data("leaf.pem")};
	struct plist *whole = plist_dict(&arena);
	struct plist *command = args != NULL ? plist_copy(&arena, args) : plist_dict(&arena);
	struct answer answer;
	struct err err = {0};

	persona_make(&persona, name);
	plist_set(&arena, command, "RequestType", plist_string(&arena, request));
	plist_set(&arena, whole, "CommandUUID", plist_string(&arena, "u-1"));
	plist_set(&arena, whole, "Command", command);
	if (answer_command(&answer, &arena, &device, whole, NULL, &err) != ERR_OK)
		fail_msg("%s: %s", request, err.message);
	return answer;
}

/* The same with arguments in JSON, and the status there has to be. */
static inline const struct plist *
sim_ask_json(const char *name, const char *request, const char *json, const char *status)
{
	struct plist *args = NULL;
	struct err err = {0};
	struct answer answer;

	if (json != NULL && plist_read_json(plist_limits_default(), &arena, json, strlen(json),
				    &args, &err) != ERR_OK)
		fail_msg("%s: %s", json, err.message);
	answer = sim_ask(name, request, args);
	if (strcmp(answer.status, status) != 0)
		fail_msg("%s %s: %s, not %s", request, json != NULL ? json : "", answer.status,
			status);
	return answer.message;
}

#endif

/*
 * catalogue_sample - values made up from the catalogue: examples for people, answers of simulated
 * devices.
 *
 * A value is of the key's type and one that is allowed; what it says goes by the key's name.
 */
#ifndef POMONA_MDM_CATALOGUE_SAMPLE_H
#define POMONA_MDM_CATALOGUE_SAMPLE_H

#include "mdm/catalogue.h"

/* Where in the tree of keys one is. */
struct catalogue_sample_place {
	const struct catalogue_key *key;
	const char *name; /* its name, or that of the array it is an element of */
	const struct catalogue_sample_place *above; /* NULL: it is the root */
};

struct catalogue_sampler {
	struct arena *arena;
	/* Is the key to be there? */
	bool (*wants)(const struct catalogue_sampler *sampler,
		const struct catalogue_sample_place *place);
	/* A value of one's own; NULL (or no function): one is made up. */
	struct plist *(*value)(const struct catalogue_sampler *sampler,
		const struct catalogue_sample_place *place);
	/* The dictionary at that place is complete (no function: that is all). */
	void (*complete)(const struct catalogue_sampler *sampler,
		const struct catalogue_sample_place *place, struct plist *dict);
	void *context;
};

/* A value for the key. */
struct plist *catalogue_sample(
	const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place);

/* Adds the wanted keys that dictionaries in VALUE lack; what is there stays. */
void catalogue_sample_complete(const struct catalogue_sampler *sampler,
	const struct catalogue_sample_place *place, struct plist *value);

#endif

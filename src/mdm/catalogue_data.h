/*
 * catalogue_data - the compiled catalogue; catalogue_data.c is made by the build from
 * catalogue.data.
 */
#ifndef POMONA_MDM_CATALOGUE_DATA_H
#define POMONA_MDM_CATALOGUE_DATA_H

#include "mdm/catalogue.h"

extern const struct catalogue_request catalogue_requests[];
extern const size_t catalogue_request_count;

#endif

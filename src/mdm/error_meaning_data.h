/*
 * error_meaning_data - the compiled table; error_meaning_data.c is made by the build from
 * error_meaning.data.
 */
#ifndef POMONA_MDM_ERROR_MEANING_DATA_H
#define POMONA_MDM_ERROR_MEANING_DATA_H

#include "mdm/error_meaning.h"

extern const struct error_meaning error_meanings[];
extern const size_t error_meaning_count;

#endif

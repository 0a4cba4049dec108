/*
 * unit - what every unit test needs: cmocka with its preludes, and a store of its own.
 */
#ifndef POMONA_TESTS_UNIT_H
#define POMONA_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif

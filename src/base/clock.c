#include "base/clock.h"

#include <openssl/rand.h>
#include <ctype.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t fake_ms = -1;

int64_t
clock_now(void)
{
	struct timespec now;
	int64_t fake = atomic_load_explicit(&fake_ms, memory_order_relaxed);

	if (fake >= 0)
		return fake;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_ticks_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
clock_fake(int64_t ms)
{
	atomic_store(&fake_ms, ms);
}

static void
draw(unsigned char *bytes, int len)
{
	if (RAND_bytes(bytes, len) != 1) {
		fputs("level=error msg=\"no random numbers to be had\"\n", stderr);
		abort();
	}
}

/* The form of version 4. */
static char *
write_uuid(unsigned char b[16], char uuid[CLOCK_UUID_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";
	char *p = uuid;

	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[b[i] >> 4];
		*p++ = digits[b[i] & 15];
	}
	*p = '\0';
	return uuid;
}

char *
clock_uuid(char uuid[CLOCK_UUID_SIZE])
{
	unsigned char b[16];

	draw(b, sizeof(b));
	return write_uuid(b, uuid);
}

char *
clock_serial_uuid(char uuid[CLOCK_UUID_SIZE])
{
	static _Thread_local unsigned char base[16];
	static _Thread_local uint64_t count;
	unsigned char b[16];

	if (count++ == 0)
		draw(base, sizeof(base));
	memcpy(b, base, sizeof(b));
	for (int i = 0; i < 6; i++)
		b[15 - i] ^= (unsigned char)(count >> (8 * i));
	return write_uuid(b, uuid);
}

/* Days from 1970-01-01 to the civil date, proleptic Gregorian calendar. */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

char *
clock_iso(int64_t ms, char text[CLOCK_ISO_SIZE])
{
	int64_t seconds = ms / 1000 - (ms % 1000 < 0);
	unsigned fraction = (unsigned)(ms - seconds * 1000) % 1000;
	time_t t = (time_t)seconds;
	char full[100] = "", tail[8] = "Z";
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		tm = (struct tm){.tm_year = 70, .tm_mday = 1};
	if (fraction != 0)
		snprintf(tail, sizeof(tail), ".%03uZ", fraction);
	snprintf(full, sizeof(full), "%04d-%02d-%02dT%02d:%02d:%02d%s", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tail);
	memcpy(text, full, CLOCK_ISO_SIZE - 1);
	text[CLOCK_ISO_SIZE - 1] = '\0';
	return text;
}

/* Reads exactly N digits. */
static bool
digits(const char **p, int n, int *value)
{
	*value = 0;
	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)**p))
			return false;
		*value = *value * 10 + (*(*p)++ - '0');
	}
	return true;
}

static bool
literal(const char **p, char c)
{
	return **p == c ? ((*p)++, true) : false;
}

static bool
parse_fraction(const char **p, int *ms)
{
	int scale = 100;

	*ms = 0;
	if (!literal(p, '.'))
		return true;
	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++, scale /= 10)
		*ms += (**p - '0') * scale;
	return true;
}

static bool
parse_zone(const char **p, int *minutes)
{
	int sign = **p == '-' ? -1 : 1, hour, minute;

	*minutes = 0;
	if (literal(p, 'Z'))
		return true;
	if (!literal(p, '+') && !literal(p, '-'))
		return false;
	if (!digits(p, 2, &hour) || !literal(p, ':') || !digits(p, 2, &minute) || hour > 23 ||
		minute > 59)
		return false;
	*minutes = sign * (hour * 60 + minute);
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int
clock_parse_iso(const char *text, int64_t *ms)
{
	int year, month, day, hour, minute, second, fraction, zone;
	const char *p = text;

	if (!digits(&p, 4, &year) || !literal(&p, '-') || !digits(&p, 2, &month) ||
		!literal(&p, '-') || !digits(&p, 2, &day) || !literal(&p, 'T') ||
		!digits(&p, 2, &hour) || !literal(&p, ':') || !digits(&p, 2, &minute) ||
		!literal(&p, ':') || !digits(&p, 2, &second) || !parse_fraction(&p, &fraction) ||
		!parse_zone(&p, &zone) || *p != '\0')
		return -1;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
		hour > 23 || minute > 59 || second > 59)
		return -1;
	*ms = (days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second -
		      zone * 60) *
		      1000 +
	      fraction;
	return 0;
}

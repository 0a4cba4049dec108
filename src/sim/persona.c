/*
 * What a device tells of itself, from its first Authenticate to its last DeviceInformation, starts
 * from here.
 */
#include "sim/persona.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

enum { NAME_MOST = 200, SERIAL_LEN = 12 };

static const struct persona_model iphones[] = {
	{PERSONA_IPHONE, "iPhone", "iPhone14,7", "MPUF3LL", "MPUF3LL/A", 128},
	{PERSONA_IPHONE, "iPhone", "iPhone15,4", "MTP03LL", "MTP03LL/A", 128},
	{PERSONA_IPHONE, "iPhone", "iPhone16,1", "MTQT3LL", "MTQT3LL/A", 256},
	{PERSONA_IPHONE, "iPhone", "iPhone14,6", "MMX53LL", "MMX53LL/A", 64},
};
static const struct persona_model ipads[] = {
	{PERSONA_IPAD, "iPad", "iPad13,18", "MPQ03LL", "MPQ03LL/A", 64},
	{PERSONA_IPAD, "iPad", "iPad14,1", "MK7M3LL", "MK7M3LL/A", 64},
	{PERSONA_IPAD, "iPad", "iPad13,16", "MM9C3LL", "MM9C3LL/A", 256},
};
static const struct persona_model macs[] = {
	{PERSONA_MAC, "MacBook Air", "Mac14,2", "MLY33LL", "MLY33LL/A", 256},
	{PERSONA_MAC, "MacBook Pro", "Mac15,3", "MTL73LL", "MTL73LL/A", 512},
	{PERSONA_MAC, "Mac mini", "Mac14,3", "MMFJ3LL", "MMFJ3LL/A", 256},
};
static const struct persona_os mobile_os[] = {
	{"16.7.8", "20H343"}, {"17.5.1", "21F90"}, {"17.6.1", "21G93"}, {"18.3.1", "22D72"}};
static const struct persona_os mac_os[] = {
	{"13.6.7", "22G720"}, {"14.5", "23F79"}, {"15.3.1", "24D70"}};
/* Two in five have a newer one. */
static const struct persona_os new_mobile_os[] = {{"26.2", "23C55"}, {"27.0", "24A331"}};
static const struct persona_os new_mac_os[] = {{"26.2", "25C56"}, {"27.0", "26A312"}};

void
persona_bytes(const char *name, const char *label, unsigned char *bytes, size_t len)
{
	unsigned char block[SHA256_DIGEST_LENGTH];
	char text[NAME_MOST + 64];

	for (unsigned count = 0; len > 0; count++) {
		size_t piece = len < sizeof(block) ? len : sizeof(block);
		int used = snprintf(
			text, sizeof(text), "%.24s %u %.*s", label, count, NAME_MOST, name);

		SHA256((const unsigned char *)text, (size_t)used, block);
		memcpy(bytes, block, piece);
		bytes += piece;
		len -= piece;
	}
}

uint32_t
persona_pick(const struct persona *persona, const char *label, uint32_t below)
{
	unsigned char b[4];

	persona_bytes(persona->name, label, b, sizeof(b));
	return ((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]) % below;
}

char *
persona_uuid(const char *name, const char *label, char uuid[CLOCK_UUID_SIZE])
{
	unsigned char b[16];

	persona_bytes(name, label, b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(uuid, CLOCK_UUID_SIZE,
		"%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
	return uuid;
}

bool
persona_is_supervised(const struct persona *persona)
{
	return persona_pick(persona, "supervised", 8) != 0;
}

bool
persona_is_shared(const struct persona *persona)
{
	return persona->model->kind == PERSONA_IPAD && persona_is_supervised(persona) &&
	       persona_pick(persona, "shared ipad", 3) == 0;
}

void
persona_token(const char *name, unsigned char token[PERSONA_TOKEN_SIZE])
{
	persona_bytes(name, "push token", token, PERSONA_TOKEN_SIZE);
}

char *
persona_magic(const char *name, char magic[CLOCK_UUID_SIZE])
{
	return persona_uuid(name, "push magic", magic);
}

/* A real one is a keybag: a tag, a length, then the bag. */
void
persona_unlock_token(const struct persona *persona, unsigned char token[PERSONA_UNLOCK_SIZE])
{
	static const unsigned char head[] = {'D', 'A', 'T', 'A', 0, 0,
		(PERSONA_UNLOCK_SIZE - 8) >> 8, (PERSONA_UNLOCK_SIZE - 8) & 0xff};

	persona_bytes(persona->name, "unlock token", token, PERSONA_UNLOCK_SIZE);
	memcpy(token, head, sizeof(head));
}

/* Apple's serial numbers leave out what is easily misread. */
static void
make_serial(struct persona *persona)
{
	static const char letters[] = "0123456789CDFGHJKLMNPQRTVWXY";
	unsigned char b[SERIAL_LEN];

	persona_bytes(persona->name, "serial number", b, sizeof(b));
	for (int i = 0; i < SERIAL_LEN; i++)
		persona->serial[i] = letters[b[i] % (sizeof(letters) - 1)];
	persona->serial[SERIAL_LEN] = '\0';
}

/* The number at the end of the name; -1 when it ends in none. */
static int
number_of(const char *name)
{
	size_t len = strlen(name), at = len;

	while (at > 0 && isdigit((unsigned char)name[at - 1]) && len - at < 8)
		at--;
	if (at == len)
		return -1;
	int number = 0;
	for (; at < len; at++)
		number = number * 10 + (name[at] - '0');
	return number;
}

static enum persona_kind
kind_of(const struct persona *persona)
{
	static const enum persona_kind round[] = {
		PERSONA_IPHONE, PERSONA_IPHONE, PERSONA_IPAD, PERSONA_MAC};
	int number = number_of(persona->name);

	return round[number >= 0 ? (uint32_t)number % COUNT(round)
				 : persona_pick(persona, "kind", COUNT(round))];
}

static const struct persona_os *
os_of(const struct persona *persona)
{
	bool mac = persona->model->kind == PERSONA_MAC;
	bool new = persona_pick(persona, "newest release", 5) < 2;

	if (mac && new)
		return &new_mac_os[persona_pick(persona, "system", COUNT(new_mac_os))];
	if (mac)
		return &mac_os[persona_pick(persona, "system", COUNT(mac_os))];
	if (new)
		return &new_mobile_os[persona_pick(persona, "system", COUNT(new_mobile_os))];
	return &mobile_os[persona_pick(persona, "system", COUNT(mobile_os))];
}

void
persona_make(struct persona *persona, const char *name)
{
	*persona = (struct persona){.name = name};
	switch (kind_of(persona)) {
	case PERSONA_IPHONE:
		persona->model = &iphones[persona_pick(persona, "model", COUNT(iphones))];
		break;
	case PERSONA_IPAD:
		persona->model = &ipads[persona_pick(persona, "model", COUNT(ipads))];
		break;
	case PERSONA_MAC:
		persona->model = &macs[persona_pick(persona, "model", COUNT(macs))];
		break;
	}
	persona->os = os_of(persona);
	persona_uuid(name, "udid", persona->udid);
	persona_magic(name, persona->push_magic);
	persona_token(name, persona->token);
	make_serial(persona);
	snprintf(persona->device_name, sizeof(persona->device_name), "%s %.40s",
		persona->model->model_name, name);
}

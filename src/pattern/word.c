/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/word.h"

#include "pattern/lexeme.h"

struct word_list {
	unsigned class;
	bool any_case; /* also Capitalised and CAPITALS */
	const char *words;
};

/* Each list is words between blanks. */
static const struct word_list lists[] = {
	{WORD_STATE, true,
	"true false yes no on off up down ok error err fail failed failure success succeeded successful successfully started stopped starting stopping "
	"running paused resumed enabled disabled enable disable active inactive open opened closed close connected disconnected start stop begin end done "
	"completed complete finished warning warn info debug fatal trace critical accepted rejected denied allowed granted valid invalid available "
	"unavailable online offline healthy unhealthy ready new old created deleted updated added removed not unable cannot timeout expired aborted cancelled "
	"canceled killed exited lost found missing pending passed skipped locked unlocked in out read write"},
	{WORD_FUNCTION, true,
	"is was are were be been being has have had not and or for from in to at on with by of that does did do can cannot could will would should may might "
	"must already as if when while than then due because but who which this these those it its the a an no name names id ids only all any size count "
	"limit list type info data into onto over under after before until via per been never still now there here"},
	{WORD_ANNOUNCES, true,
	"user username account host hostname node device interface driver plugin module package customer service process job task queue topic table database "
	"key field property bean thread pool client server peer broker pod container image volume namespace cluster region bucket index shard partition group "
	"channel stream route domain role policy tenant project product item employee member player agent worker executor filter listener servlet bean currency "
	"collection exchange repository schema tablespace locale chart deployment statefulset daemonset configmap workflow dataset mutation sensor"},
	{WORD_FOR, true, "for by as"},
	{WORD_FROM, true, "from by at on via"},
	{WORD_NULL, false, "null nil NULL n/a"},
	{WORD_CALENDAR, false, "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun"},
	{WORD_EXTENSION, false,
	"exe dll so jar war py js ts go java cpp c h cc rb php rs kt conf cfg ini yaml yml json xml txt log csv html htm css png jpg gif sh sql db dat tmp "
	"pid sock properties gz zip tar EXE DLL bat mp4 mp3 pdf doc xls lock pem crt key mm m swift"},
	{WORD_TEXTY, true, "msg message text event desc"},
	{WORD_BEFORE, true, "from to by for"},
	{WORD_METHOD, false, "GET POST PUT DELETE PATCH HEAD OPTIONS"},
	{WORD_CURRENCY, false,
	"USD EUR GBP JPY CHF CAD AUD NZD CNY RMB INR BRL MXN SEK NOK DKK PLN CZK HUF RON RUB UAH TRY ZAR KRW TWD SGD HKD ILS THB IDR MYR PHP VND AED SAR BTC ETH"},
};

enum { SLOTS = 4096 };

static struct word_slot {
	uint32_t hash;
	uint32_t class;
} slots[SLOTS];

static void add(struct slice word, unsigned class)
{
	uint32_t hash = word_hash(word);
	size_t i = hash % SLOTS;
	while (slots[i].class && slots[i].hash != hash)
		i = (i + 1) % SLOTS;
	slots[i].hash = hash;
	slots[i].class |= class;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static void add_cases(struct slice word, unsigned class)
{
	char copy[32];
	add(word, class);
	memcpy(copy, word.ptr, word.len);
	copy[0] = upper(copy[0]);
	add(slice_of(copy, word.len), class);
	for (size_t i = 0; i < word.len; i++)
		copy[i] = upper(copy[i]);
	add(slice_of(copy, word.len), class);
}

/* Runs before main, so that the table is constant for every thread. */
__attribute__((constructor)) static void fill(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct slice rest = slice_str(lists[i].words);
		while (rest.len) {
			size_t end = slice_find(rest, ' ', 0);
			if (lists[i].any_case)
				add_cases(slice_sub(rest, 0, end), lists[i].class);
			else
				add(slice_sub(rest, 0, end), lists[i].class);
			rest = slice_sub(rest, end + 1, SIZE_MAX);
		}
	}
}

unsigned word_class(uint32_t hash)
{
	size_t i = hash % SLOTS;
	while (slots[i].class && slots[i].hash != hash)
		i = (i + 1) % SLOTS;
	return slots[i].class;
}

bool word_is_enumerator(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!(lex_class[(uint8_t)word.ptr[i]] & (LEX_UPPER | LEX_UNDER)))
			return false;
	return word.len >= 3;
}

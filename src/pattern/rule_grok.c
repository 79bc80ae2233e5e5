/* SPDX-License-Identifier: Apache-2.0 */
/* Grok: %{NAME}, %{NAME:capture} and %{NAME:capture:type} inside a regex. The names are the ones that users know, with their meaning; the definitions are
 * ours, from the formats themselves. A file may add its own under grok_patterns; those win over the table. */
#include "pattern/rule.h"

#include <ctype.h>

enum { DEPTH_MAX = 24, EXPANDED_MAX = 64 << 10 };

static const struct {
	const char *name, *regex;
} table[] = {
	{"BASE10NUM", "[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)"}, {"BASE16FLOAT", "[+-]?(?:0[xX])?(?:[0-9A-Fa-f]+(?:\\.[0-9A-Fa-f]*)?|\\.[0-9A-Fa-f]+)"}, {"BASE16NUM", "[+-]?(?:0[xX])?[0-9A-Fa-f]+"},
	{"CISCOMAC", "[0-9A-Fa-f]{4}(?:\\.[0-9A-Fa-f]{4}){2}"},
	{"COMBINEDAPACHELOG", "%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}"},
	{"COMMONAPACHELOG", "%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \\[%{HTTPDATE:timestamp}\\] \"(?:%{WORD:method} %{NOTSPACE:path}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})\" (?:-|%{INT:status:int}) (?:-|%{INT:bytes:int})"},
	{"COMMONMAC", "[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}"}, {"DATA", ".*?"}, {"DATE", "%{DATE_US}|%{DATE_EU}"}, {"DATESTAMP", "(?:%{DATE})[- ]%{TIME}"},
	{"DATESTAMP_EVENTLOG", "%{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}"}, {"DATESTAMP_OTHER", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}"},
	{"DATESTAMP_RFC2822", "%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}"}, {"DATESTAMP_RFC822", "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}"},
	{"DATE_EU", "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"}, {"DATE_US", "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"},
	{"DAY", "(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)"}, {"EMAILADDRESS", "%{EMAILLOCALPART}@%{HOSTNAME}"},
	{"EMAILLOCALPART", "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"}, {"GREEDYDATA", ".*"}, {"HOST", "%{HOSTNAME}"},
	{"HOSTNAME", "\\b[0-9A-Za-z](?:[0-9A-Za-z-]{0,62})(?:\\.[0-9A-Za-z](?:[0-9A-Za-z-]{0,62}))*\\.?(?=\\b|\\W|$)"}, {"HOSTPORT", "%{IPORHOST}:%{POSINT}"}, {"HOUR", "(?:2[0-3]|[01]?\\d)"},
	{"HTTPDATE", "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"}, {"HTTPDUSER", "(?:%{EMAILADDRESS}|%{USER})"}, {"HTTPD_COMBINEDLOG", "%{COMBINEDAPACHELOG}"}, {"HTTPD_COMMONLOG", "%{COMMONAPACHELOG}"},
	{"INT", "[+-]?\\d+"}, {"IP", "(?:%{IPV6}|%{IPV4})"}, {"IPORHOST", "(?:%{IP}|%{HOSTNAME})"},
	{"IPV4", "(?<![0-9.])(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}(?![0-9])"}, {"IPV6", "(?:[0-9A-Fa-f]{1,4}:|::)[0-9A-Fa-f:]*(?::[0-9A-Fa-f]{0,4}|%{IPV4})(?:%\\w+)?"},
	{"ISO8601_SECOND", "%{SECOND}"}, {"ISO8601_TIMEZONE", "(?:Z|[+-]%{HOUR}(?::?%{MINUTE})?)"}, {"JAVACLASS", "(?:[A-Za-z_$][\\w$]*\\.)*[A-Za-z_$][\\w$]*"}, {"JAVAFILE", "[\\w$. -]+"},
	{"JAVALOGMESSAGE", ".*"}, {"JAVAMETHOD", "(?:<(?:cl)?init>|[A-Za-z_$][\\w$]*)"}, {"JAVASTACKTRACEPART", "\\s*at %{JAVACLASS:class}\\.%{JAVAMETHOD:method}\\(%{JAVAFILE:file}(?::%{INT:line:int})?\\)"},
	{"JAVATHREAD", "(?:[A-Z]{2}-Processor\\d+)"}, {"LOGLEVEL", "(?i:trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|emerg(?:ency)?|alert)"},
	{"MAC", "(?:%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC})"}, {"MINUTE", "[0-5]\\d"},
	{"MONTH", "\\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\\b"}, {"MONTHDAY", "(?:0[1-9]|[12]\\d|3[01]|[1-9])"},
	{"MONTHNUM", "(?:0?[1-9]|1[0-2])"}, {"MONTHNUM2", "(?:0[1-9]|1[0-2])"}, {"NONNEGINT", "\\b\\d+\\b"}, {"NOTSPACE", "\\S+"}, {"NUMBER", "%{BASE10NUM}"}, {"PATH", "(?:%{UNIXPATH}|%{WINPATH})"},
	{"POSINT", "\\b[1-9]\\d*\\b"}, {"PROG", "[\\x21-\\x5a\\x5c\\x5e-\\x7e]+"}, {"QS", "%{QUOTEDSTRING}"}, {"QUOTEDSTRING", "(?:\"(?:[^\"\\\\]|\\\\.)*+\"|'(?:[^'\\\\]|\\\\.)*+'|`(?:[^`\\\\]|\\\\.)*+`)"},
	{"SECOND", "(?:60|[0-5]?\\d)(?:[:.,]\\d+)?"}, {"SPACE", "\\s*"}, {"SYSLOGBASE", "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} %{SYSLOGPROG}:"}, {"SYSLOGFACILITY", "<%{NONNEGINT:facility}\\.%{NONNEGINT:priority}>"},
	{"SYSLOGHOST", "%{IPORHOST}"}, {"SYSLOGPROG", "%{PROG:program}(?:\\[%{POSINT:process}\\])?"}, {"SYSLOGTIMESTAMP", "%{MONTH} +%{MONTHDAY} %{TIME}"}, {"TIME", "(?<!\\d)%{HOUR}:%{MINUTE}(?::%{SECOND})?(?!\\d)"},
	{"TIMESTAMP_ISO8601", "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?"}, {"TTY", "/dev/(?:pts|tty[pq]?)(?:\\w+)?/?\\d*"}, {"TZ", "[A-Z]{3,4}"}, {"UNIXPATH", "(?:/[\\w%!$@:.,+~-]*)+"},
	{"URI", "%{URIPROTO}://(?:%{USER}(?::[^@\\s]*)?@)?%{URIHOST}?(?:%{URIPATHPARAM})?"}, {"URIHOST", "%{IPORHOST}(?::%{POSINT})?"}, {"URIPARAM", "\\?%{URIQUERY}"},
	{"URIPATH", "(?:/[\\w$.+!*'(){},~:;=@#%&|-]*)+"}, {"URIPATHPARAM", "%{URIPATH}(?:%{URIPARAM})?"}, {"URIPROTO", "[A-Za-z][A-Za-z0-9+.-]*"}, {"URIQUERY", "[\\w$.+!*'|(){},~@#%&/=:;?\\[\\]<>-]*"}, {"URN", "urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:[^\\s\"]+"},
	{"USER", "%{USERNAME}"}, {"USERNAME", "[\\w.-]+"}, {"UUID", "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"}, {"WINDOWSMAC", "[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}"},
	{"WINPATH", "(?:[A-Za-z]:|\\\\)(?:\\\\[^\\\\?*\\s]*)+"}, {"WORD", "\\b\\w+\\b"}, {"YEAR", "(?:\\d\\d){1,2}"},
};
enum { TABLE_LEN = sizeof(table) / sizeof(table[0]) };

struct grok {
	struct rule_loader *l;
	const struct yaml *node;
	struct rule *rule;
	struct buf *regex;
	struct slice open[DEPTH_MAX]; /* names being expanded */
	size_t depth;
	bool too_large;
};

static bool find(const struct grok *g, struct slice name, struct slice *ret)
{
	const struct yaml *own = g->l->grok;
	for (size_t i = 0; own && i < own->len; i++)
		if (slice_eq(own->keys[i], name)) {
			*ret = own->items[i].text;
			return true;
		}
	for (size_t i = 0; i < TABLE_LEN; i++)
		if (slice_eq(slice_str(table[i].name), name)) {
			*ret = slice_str(table[i].regex);
			return true;
		}
	return false;
}

static bool complain_unknown(struct grok *g, size_t offset, struct slice name)
{
	const char *names[TABLE_LEN + 1] = {0};
	for (size_t i = 0; i < TABLE_LEN; i++)
		names[i] = table[i].name;
	const char *nearest = err_nearest(name, names);
	rule_complain_inside(g->l, g->node, offset, "unknown grok name \"%.*s\"%s%s%s", (int)(name.len < 100 ? name.len : 100), name.ptr, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	return false;
}

/* Captures named [source][ip] or source.ip become source_ip. */
static struct slice capture_name(struct grok *g, struct slice raw)
{
	struct buf name = {0};
	for (size_t i = 0; i < raw.len; i++)
		if (raw.ptr[i] == '_' || isalnum((unsigned char)raw.ptr[i]))
			buf_add_char(&name, raw.ptr[i]);
		else if (name.len && (raw.ptr[i] == '.' || raw.ptr[i] == '[' || raw.ptr[i] == '-'))
			buf_add_char(&name, '_');
	struct slice kept = rule_keep(g->l, buf_slice(&name));
	buf_done(&name);
	return kept;
}

static bool type_of(struct grok *g, size_t offset, struct slice text, enum place_type *ret)
{
	static const struct {
		const char *name;
		enum place_type type;
	} types[] = {{"", PLACE_WORD}, {"string", PLACE_WORD}, {"int", PLACE_INT}, {"long", PLACE_INT}, {"float", PLACE_NUM}, {"double", PLACE_NUM}, {"num", PLACE_NUM}, {"duration", PLACE_DURATION}, {"size", PLACE_SIZE}};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_eq(text, slice_str(types[i].name))) {
			*ret = types[i].type;
			return true;
		}
	rule_complain_inside(g->l, g->node, offset, "unknown grok type \"%.*s\": string, int, float, duration or size", (int)(text.len < 100 ? text.len : 100), text.ptr);
	return false;
}

static bool expand(struct grok *g, struct slice text, size_t offset);

/* %{NAME:capture:type}: inside is what stands in the braces. */
static bool expand_reference(struct grok *g, struct slice inside, size_t offset)
{
	size_t colon = slice_find(inside, ':', 0), second = slice_find(inside, ':', colon + (colon < inside.len));
	struct slice name = slice_sub(inside, 0, colon), definition, capture = {0}, type_text = slice_sub(inside, second + 1, inside.len);
	enum place_type type;
	if (g->regex->len > EXPANDED_MAX) {
		if (!g->too_large)
			rule_complain_inside(g->l, g->node, offset, "larger than 64 KiB once expanded");
		g->too_large = true;
	}
	if (g->too_large)
		return false;
	if (!find(g, name, &definition))
		return complain_unknown(g, offset, name);
	for (size_t i = 0; i < g->depth; i++)
		if (slice_eq(g->open[i], name) || g->depth == DEPTH_MAX) {
			rule_complain_inside(g->l, g->node, offset, "the grok name \"%.*s\" is defined by itself", (int)name.len, name.ptr);
			return false;
		}
	if (!type_of(g, offset, second < inside.len ? type_text : SLICE(""), &type))
		return false;
	if (colon < inside.len)
		capture = capture_name(g, slice_sub(inside, colon + 1, second - colon - 1));
	if (colon < inside.len && !rule_add_capture(g->l, g->node, offset, g->rule, capture, type))
		return false;
	if (capture.len)
		buf_printf(g->regex, "(?<%s>", capture.ptr);
	else
		buf_add_str(g->regex, "(?:");
	g->open[g->depth++] = name;
	bool ok = expand(g, definition, offset);
	g->depth--;
	buf_add_char(g->regex, ')');
	return ok;
}

static bool expand(struct grok *g, struct slice text, size_t offset)
{
	bool ok = true, top = g->depth == 0;
	for (size_t i = 0; i < text.len && !g->too_large;) {
		struct slice rest = slice_sub(text, i, text.len);
		size_t end = slice_starts(rest, SLICE("%{")) ? slice_find(rest, '}', 0) : rest.len;
		if (end < rest.len) {
			ok &= expand_reference(g, slice_sub(rest, 2, end - 2), top ? i : offset);
			i += end + 1;
		} else {
			buf_add_char(g->regex, rest.ptr[0]);
			i++;
		}
	}
	return ok;
}

bool rule_compile_grok(struct rule_loader *l, const struct yaml *node, struct rule *rule, struct buf *regex)
{
	struct grok g = {.l = l, .node = node, .rule = rule, .regex = regex};
	rule->shown = rule_keep(l, node->text);
	return expand(&g, node->text, 0);
}

void rule_check_grok(struct rule_loader *l)
{
	for (size_t i = 0; l->grok && i < l->grok->len; i++)
		if (l->grok->items[i].kind != YAML_SCALAR)
			rule_complain(l, &l->grok->items[i], "a grok definition is a regex");
}

void rule_print_grok(struct buf *out)
{
	for (size_t i = 0; i < TABLE_LEN; i++)
		buf_printf(out, "%s`%s`", i ? ", " : "", table[i].name);
	buf_add_str(out, ".\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One log record or span as views into the payload and the decoder's arena: valid until the next decode. Keepers copy. */
#ifndef WINNOW_RECORD_RECORD_H
#define WINNOW_RECORD_RECORD_H

#include "base/slice.h"

#include <stdint.h>

enum record_kind { RECORD_LOG, RECORD_SPAN };

enum severity { SEVERITY_UNKNOWN, SEVERITY_TRACE, SEVERITY_DEBUG, SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ERROR, SEVERITY_FATAL, SEVERITY_COUNT };

/* What a span talks to, by the attributes it has. */
enum span_system { SYSTEM_NONE, SYSTEM_DATABASE, SYSTEM_MESSAGING, SYSTEM_RPC } __attribute__((packed));
/* As OTLP numbers them. */
enum span_kind { SPAN_UNSPECIFIED, SPAN_INTERNAL, SPAN_SERVER, SPAN_CLIENT, SPAN_PRODUCER, SPAN_CONSUMER, SPAN_KIND_COUNT } __attribute__((packed));
enum span_status { STATUS_UNSET, STATUS_OK, STATUS_ERROR, STATUS_COUNT } __attribute__((packed));

/* What a message is of a record that spans several. */
enum record_part {
	PART_WHOLE,
	PART_UNFINISHED, /* the text goes on in the next one of the same container and stream */
	PART_FULL,       /* it fills Docker's buffer and has no end of line: it may go on */
	PART_TRACE,      /* a line of a stack trace: it belongs to what came before it */
	PART_HEADLINE,   /* "ValueError: no": behind lines of a trace its last one, else a record */
};

struct record {
	enum record_kind kind;
	enum severity severity;
	const char *shape;          /* static name of the shape that read it: "zap", "ecs", "otlp_json", ... */
	int64_t time_ns;            /* event time (a span's end), 0 if the record carries no usable one */
	struct slice service;       /* empty if unknown */
	struct slice logger;
	struct slice trace_id;      /* 32 lower-case hex digits (16 where the source has 64 bits), or empty */
	struct slice span_id;       /* 16 lower-case hex digits, or empty */
	struct slice parent_span_id;
	int64_t duration_ns;        /* -1 if unknown */
	bool error;                 /* the record itself says that something failed: severity error or worse, status, exception field */
	/* spans only */
	bool backwards;             /* it ends before it begins */
	bool exception_event;       /* one of its events is an exception */
	bool plain;                 /* all members behind `fields` are empty, and there is no status of HTTP and no system; false where nobody looked */
	uint32_t resource;          /* which of the payload's resources sent it, from 1; 0: the format has none */
	/* record_traits: these have eight bytes; all but the first are of spans only */
	int http_status;            /* 0 if none */
	enum span_kind span_kind;
	enum span_status status;
	enum span_system system;
	uint8_t peer_rank;          /* of the attribute that named the peer: higher wins */
	struct slice name;          /* a span's */
	struct slice service_namespace, service_instance; /* of a span's resource */
	/* private to the decoder: where record_field looks */
	const void *fields;
	/* What most spans have nothing of. */
	struct slice message;       /* a log's text; may be empty, may hold newlines */
	struct slice template_text; /* the template the logger sent itself (@mt, {OriginalFormat}, ...); usually empty */
	struct slice http_method;   /* GET, POST, ... */
	struct slice http_route;    /* low-cardinality route if the source has one */
	struct slice http_path;     /* raw path or URL of an access log */
	struct slice exception_type;
	enum record_part part;
	struct slice raw;           /* what the container's process wrote, blanks and end of line included, if a container's layer was there */
	struct slice stream;        /* "stdout", "stderr" of such a layer */
	/* spans only */
	struct slice peer;          /* what names the other end of its call: peer.service, server.address, .., db.system, messaging.system */
	struct slice operation, target; /* low-cardinality words for what it does: rpc.service and rpc.method, db.operation.name and db.collection.name, messaging likewise */
	struct slice link_trace_id, link_span_id; /* its first link */
	struct slice trace_state;   /* W3C tracestate */
	double sampling;            /* sampling.probability; 0: it says nothing */
};

/* All that is a small number of a span, as one; what it is made of is nobody's business but record.h's. */
static inline uint64_t record_traits(const struct record *span)
{
	_Static_assert(offsetof(struct record, peer_rank) - offsetof(struct record, http_status) == 7, "eight bytes, one after the other");
	return load_u64((const char *)span + offsetof(struct record, http_status));
}

/* "trace", "debug", "info", "warn", "error", "fatal", "unknown". */
const char *severity_name(enum severity severity);

/* Any field of the record by dotted path ("kubernetes.labels.app", "http.method", for OTLP also the attribute's name as it is), as text: strings
 * unescaped, numbers and booleans as written. The names service, severity, message, logger, trace_id, span_id, template, name mean the members above.
 * False if there is no such scalar. The view lives as long as the record. */
bool record_field(const struct record *record, struct slice path, struct slice *ret_value);

/* The next attribute of the resource that sent it, if it is a scalar with a name: start with *cursor = 0; false at the end. Views as of record_field. */
bool record_resource_next(const struct record *record, size_t *cursor, struct slice *ret_name, struct slice *ret_value);
/* That resource as it stands in the payload; empty where it does not stand there in one piece. */
struct slice record_resource_bytes(const struct record *record);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A document or an error that says where; every node stands on a line of the text. */
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct yaml *y)
{
	if (y->line < 0 || y->column < 0 || (y->kind == YAML_SCALAR && y->text.ptr && y->text.ptr[y->text.len] != 0))
		abort();
	for (size_t i = 0; y->kind != YAML_SCALAR && i < y->len; i++) {
		if (y->kind == YAML_MAP && !slice_is_utf8(y->keys[i]))
			abort();
		walk(&y->items[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_doc *doc = NULL;
	struct err err = {0};
	if (yaml_load_text(slice_of((const char *)data, size), "f.yaml", &doc, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	walk(yaml_root(doc));
	yaml_doc_free(doc);
	return 0;
}

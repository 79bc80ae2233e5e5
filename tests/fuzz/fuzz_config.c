/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as winnow.yaml: a configuration or messages, never both or neither. Corpus: tests/fuzz/corpus/config. */
#include "app/config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;
	struct config_errors errors = {0};
	int code = config_load_text(slice_of((const char *)data, size), "fuzz.yaml", &config, &errors);
	assert((code == 0) == (config != NULL) && (code == 0) == (errors.len == 0));
	config_free(config);
	config_errors_done(&errors);
	return 0;
}

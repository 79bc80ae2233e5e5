// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package receivers is only there to pin the receiver that the tests run against: go.mod says which version, go.sum what its bytes are.
package receivers

import _ "github.com/prometheus/prometheus/cmd/prometheus"

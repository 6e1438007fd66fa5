//go:build !race && !asan

package obs_test

const checked = false

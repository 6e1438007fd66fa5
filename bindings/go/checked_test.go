//go:build race || asan

package obs_test

// checked says whether this program has a checker in it, whose memory no limit of a function may be put on.
const checked = true

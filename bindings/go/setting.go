package obs

/*
#cgo noescape obs_setting_int
#cgo nocallback obs_setting_int
#cgo noescape obs_setting_float
#cgo nocallback obs_setting_float
#cgo noescape go_setting_text
#cgo nocallback go_setting_text
#include "shim.h"
*/
import "C"

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"
)

// Setting is a value that is read again and again: its name, type, bounds and default stated once. It follows the
// configuration until it is closed; one of a snapshot stands still. Safe for concurrent use.
type Setting[T any] struct {
	c    *C.obs_setting
	read func(c *C.obs_setting) T
}

// SettingOptions says what may stand in a setting; the zero value is all defaults. The values are of the setting's type, or
// strings as they would be written in a document ("250ms").
type SettingOptions struct {
	Default any    // where no layer has one; nil: then NotFound
	Min     any    // a change that goes below is refused as a whole
	Max     any    // the same above
	Renamed string // the name it had before, still read and reported once in the log
}

func (options *SettingOptions) c(made *call) (*C.obs_setting_options, error) {
	given := (*C.obs_setting_options)(made.alloc(1, C.sizeof_obs_setting_options))
	C.obs_setting_options_init(given, C.sizeof_obs_setting_options)
	given.renamed = made.text(options.Renamed)
	for _, one := range []struct {
		to   **C.char
		from any
	}{{&given.standard, options.Default}, {&given.least, options.Min}, {&given.most, options.Max}} {
		if one.from == nil {
			continue
		}
		written, isText := one.from.(string)
		if !isText {
			var err error
			if written, err = inYAML(one.from); err != nil {
				return nil, err
			}
		}
		*one.to = made.always(written)
	}
	return given, nil
}

func openSetting[T any](values *Values, name string, kind C.obs_setting_type, options *SettingOptions,
	read func(c *C.obs_setting) T) (*Setting[T], error) {
	var made call
	defer made.release()
	given, err := options.c(&made)
	if err != nil {
		return nil, err
	}
	var out *C.obs_setting
	err = values.look(true, func() *C.obs_error {
		named, size := text(name)
		return C.go_setting_open(&out, values.c, named, size, kind, given)
	})
	if err != nil {
		return nil, err
	}
	setting := &Setting[T]{c: out, read: read}
	runtime.SetFinalizer(setting, (*Setting[T]).Close)
	return setting, nil
}

// BoolSetting is a setting that is true or false.
func (values *Values) BoolSetting(name string, options SettingOptions) (*Setting[bool], error) {
	return openSetting(values, name, C.OBS_SETTING_BOOL, &options, func(c *C.obs_setting) bool {
		return C.obs_setting_int(c) != 0
	})
}

// IntSetting is a setting with an integer.
func (values *Values) IntSetting(name string, options SettingOptions) (*Setting[int64], error) {
	return openSetting(values, name, C.OBS_SETTING_INT, &options, func(c *C.obs_setting) int64 {
		return int64(C.obs_setting_int(c))
	})
}

// FloatSetting is a setting with a number.
func (values *Values) FloatSetting(name string, options SettingOptions) (*Setting[float64], error) {
	return openSetting(values, name, C.OBS_SETTING_FLOAT, &options, func(c *C.obs_setting) float64 {
		return float64(C.obs_setting_float(c))
	})
}

// DurationSetting is a setting with a time span.
func (values *Values) DurationSetting(name string, options SettingOptions) (*Setting[time.Duration], error) {
	return openSetting(values, name, C.OBS_SETTING_DURATION, &options, func(c *C.obs_setting) time.Duration {
		return time.Duration(C.obs_setting_int(c))
	})
}

// BytesSetting is a setting with a size in bytes.
func (values *Values) BytesSetting(name string, options SettingOptions) (*Setting[uint64], error) {
	return openSetting(values, name, C.OBS_SETTING_BYTES, &options, func(c *C.obs_setting) uint64 {
		return uint64(C.obs_setting_int(c))
	})
}

// StringSetting is a setting with a text.
func (values *Values) StringSetting(name string, options SettingOptions) (*Setting[string], error) {
	var known atomic.Pointer[string]
	return openSetting(values, name, C.OBS_SETTING_TEXT, &options, func(c *C.obs_setting) string {
		return settingText(c, &known)
	})
}

// settingText gives the string it gave before as long as the text is the same, so that reading it does not allocate.
func settingText(c *C.obs_setting, known *atomic.Pointer[string]) string {
	last := ""
	given, size := (*C.char)(nil), C.size_t(math.MaxUint64)
	if before := known.Load(); before != nil {
		last = *before
		given, size = text(last)
	}
	got := C.go_setting_text(c, given, size)
	if got.failed != nil { // there is no memory for another one
		_ = failure(got.failed)
		return last
	}
	if got.buffer == nil {
		return last
	}
	now := C.GoStringN(got.data, C.int(got.size))
	C.obs_buffer_free(got.buffer)
	known.Store(&now)
	return now
}

// Value is the value now. It costs little more than the step into C, and allocates nothing.
func (setting *Setting[T]) Value() T {
	value := setting.read(setting.c)
	runtime.KeepAlive(setting)
	return value
}

// Close gives the setting back, when nobody reads it any more. Its bounds hold no longer; Value stays what it is then.
func (setting *Setting[T]) Close() error {
	if setting.c != nil {
		runtime.SetFinalizer(setting, nil)
		last := setting.Value()
		setting.read = func(*C.obs_setting) T { return last }
		C.obs_setting_free(setting.c)
		setting.c = nil
	}
	return nil
}

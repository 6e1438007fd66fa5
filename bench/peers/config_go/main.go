// A number by its name, as bench/bench_config.c looks it up: in koanf, and in viper behind the lock that its users put around it,
// as it may not be read while it is written.
package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/viper"
)

const calls = 2_000_000

func values() map[string]any {
	whole := map[string]any{}
	for group := range 10 {
		members := map[string]any{}
		for i := range 10 {
			members[fmt.Sprintf("value%d", i)] = float64(group*10+i) + 0.5
		}
		whole[fmt.Sprintf("group%d", group)] = members
	}
	return whole
}

func measure(get func() float64) float64 {
	sum := 0.0
	begin := time.Now()
	for range calls {
		sum += get()
	}
	if sum != calls*57.5 {
		fmt.Fprintln(os.Stderr, "a wrong value")
		os.Exit(1)
	}
	return float64(time.Since(begin).Nanoseconds()) / calls
}

func main() {
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(values(), ""), nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	v := viper.New()
	if err := v.MergeConfigMap(values()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var lock sync.RWMutex
	byKoanf := measure(func() float64 { return k.Float64("group5.value7") })
	byViper := measure(func() float64 {
		lock.RLock()
		defer lock.RUnlock()
		return v.GetFloat64("group5.value7")
	})
	fmt.Printf("{\"figure\":\"config_peers\",\"koanf_ns\":%.1f,\"viper_ns\":%.1f}\n", byKoanf, byViper)
}

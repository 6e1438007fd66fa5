// Verifying the token of bench_token with golang-jwt: the same claims, policy and algorithms. Prints one JSON line for each.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"log"
	"sort"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const turns = 9

// Processor time of the whole process, as bench_token counts it.
func processorTime() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
}

func measure(method jwt.SigningMethod, private crypto.Signer, count int) {
	now := time.Now().Unix()
	text, err := jwt.NewWithClaims(method, jwt.MapClaims{
		"iss": "https://login.example.org/realms/night", "aud": []string{"obs:night", "account"}, "sub": "user:ada",
		"exp": now + 3600, "iat": now, "nbf": now, "jti": "01936f5c-1f5e-7a3c-9b1e-5d0c2f6a8e47", "client_id": "obsctl",
		"tenant": "default", "scope": "storage.read:/raw storage.create:/products event.publish:/org.example catalog.read",
	}).SignedString(private)
	if err != nil {
		log.Fatal(err)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{method.Alg()}), jwt.WithIssuer("https://login.example.org/realms/night"),
		jwt.WithAudience("obs:night"), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(time.Minute))
	key := func(*jwt.Token) (any, error) { return private.Public(), nil }
	var rates []float64
	for range turns {
		start := processorTime()
		for range count {
			if _, err := parser.Parse(text, key); err != nil {
				log.Fatal(err)
			}
		}
		rates = append(rates, float64(count)/(processorTime()-start))
	}
	sort.Float64s(rates)
	fmt.Printf("{\"figure\":\"%s\",\"by\":\"golang-jwt\",\"bytes\":%d,\"per_s\":%.0f}\n", method.Alg(), len(text), rates[turns/2])
}

func main() {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	measure(jwt.SigningMethodRS256, rsaKey, 2000)
	measure(jwt.SigningMethodES256, ecKey, 800)
	measure(jwt.SigningMethodEdDSA, edKey, 500)
}

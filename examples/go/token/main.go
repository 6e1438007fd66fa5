// A token for somebody else: what it allows and what not, and how another program checks it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

// act is what a service does that was handed the token with a request; it never has more rights than the token.
func act(ctx context.Context, client *obs.Client, token *obs.Secret) error {
	bearer, err := client.As(ctx, obs.AsOptions{Token: token})
	if err != nil {
		return err
	}
	defer bearer.Close()
	fmt.Printf("%s in tenant %s\n", bearer.Subject(), bearer.Tenant())
	store := bearer.Store()
	if _, err := store.Put(ctx, "products/a.txt", []byte("a\n"), nil); err == nil {
		fmt.Println("made products/a.txt")
	}
	if _, err := store.Put(ctx, "raw/a.txt", []byte("a\n"), nil); errors.Is(err, fs.ErrPermission) {
		fmt.Println("may not write raw/a.txt")
	}
	if _, err := store.Put(ctx, "products/a.txt", []byte("b\n"), nil); errors.Is(err, fs.ErrPermission) {
		fmt.Println("may not replace products/a.txt")
	}
	return nil
}

// check is what another program does. The algorithms are always the checker's choice, never the token's.
func check(ctx context.Context, client *obs.Client, text string) error {
	claims, err := client.VerifyToken(ctx, text, obs.VerifyOptions{Algorithms: []string{"EdDSA"}})
	if err == nil && claims.Subject == "function:photometry" {
		fmt.Println("it holds")
	}
	_, other := client.VerifyToken(ctx, text, obs.VerifyOptions{Algorithms: []string{"RS256"}})
	if errors.Is(other, obs.Unauthenticated) {
		fmt.Println("not with RS256")
	}
	return err
}

func run(ctx context.Context, client *obs.Client) error {
	token, err := client.IssueToken(ctx, obs.TokenOptions{
		Subject: "function:photometry", Scope: []string{"storage.read:/raw", "storage.create:/products"}, Lifetime: 10 * time.Minute})
	if err != nil {
		return err
	}
	defer token.Close()
	if err := act(ctx, client, token); err != nil {
		return err
	}
	return check(ctx, client, string(token.Reveal()))
}

func main() {
	ctx := context.Background()
	client, err := obs.Open(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := run(ctx, client); err != nil {
		log.Fatal(err)
	}
}

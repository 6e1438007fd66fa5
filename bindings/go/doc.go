// Package obs is libobs for Go: identity, object storage, events, configuration and audit for observatories.
//
//	client, err := obs.Open(ctx, nil)
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	frame, err := client.Store().Get(ctx, "raw/2026-11-20/ccd-0421.fits", nil)
//
// Every call takes a context: its deadline and its cancellation reach into the C library. Errors are *obs.Error and work
// with errors.Is: fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, context.Canceled, context.DeadlineExceeded and the
// statuses of this package.
//
// # Configuration and secrets
//
//	config := client.Config()
//	gain, err := config.Float("ccd.gain")                              // by name
//	setting, err := config.FloatSetting("ccd.gain", obs.SettingOptions{Default: 1.5, Min: 0.1, Max: 10})
//	scaled := setting.Value() * pixel                                  // in a loop: one step into C, no allocation
//	snapshot, err := config.Snapshot(ctx)                              // all of it, as it is at this moment
//	ctx = obs.WithConfig(ctx, snapshot)                                // for all that is done for one task
//	exposure, err := obs.ConfigFrom(ctx).Duration("ccd.exposure")
//	password, err := config.Secret("mpc.password")                     // prints as "(secret)", whatever prints it
//	err = password.View(logIn)
//
// A secret lies in locked memory, and what Reveal copies out of it in that of Go. One from an environment variable was copied
// by Go itself when the program began: let secrets come from files where core dumps may be seen.
//
// # Identity and the audit log
//
//	token, err := client.IssueToken(ctx, obs.TokenOptions{Subject: "function:photometry", Scope: []string{"storage.read:/raw"}})
//	function, err := obs.Open(ctx, &obs.OpenOptions{Token: token})     // may read below raw/, and nothing else
//	claims, err := client.VerifyToken(ctx, text, obs.VerifyOptions{Algorithms: []string{"EdDSA"}})
//	report, err := client.Audit().Verify(ctx, nil)                     // a *obs.VerifyError has what is wrong
//	proof, err := client.Audit().Prove(ctx, id)
//	record, err := obs.CheckProof(proof, key)                          // anywhere, without the workspace
//
// The package is built with cgo against the installed library (`pkg-config obs`).
package obs

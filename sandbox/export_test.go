package sandbox

import "go.uber.org/zap"

// Silence ends the log of a provisioned handler, for tests that would drown in it.
func (h *Handler) Silence() { h.setLogger(zap.NewNop()) }

func (h *Handler) setLogger(logger *zap.Logger) { h.api.logger, h.ipns.logger = logger, logger }

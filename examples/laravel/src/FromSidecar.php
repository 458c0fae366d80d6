<?php

namespace Galaxypay\Laravel;

use Closure;
use Illuminate\Http\Request;

/** Lets only requests through that the sidecar has proven to be one of these callbacks. */
class FromSidecar
{
    public function handle(Request $request, Closure $next, string ...$callbacks)
    {
        abort_unless(in_array($request->header('Galaxypay-Callback'), $callbacks, true), 403, 'This did not come through the sidecar.');

        return $next($request);
    }
}

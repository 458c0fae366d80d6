<?php

namespace Galaxypay\Laravel;

use Illuminate\Support\Facades\Route;
use Illuminate\Support\ServiceProvider;

/** Brings the tables and the two routes that the sidecar posts to. */
class GalaxypayServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->app->singleton(Payments::class, fn () => new Payments(config('services.galaxypay.url', 'http://localhost:9180')));
    }

    public function boot(): void
    {
        $this->loadMigrationsFrom(__DIR__ . '/../database/migrations');

        // Outside of the group "web", so no CSRF check refuses it: the sidecar has proven it.
        Route::post('galaxypay/ipn', [CallbackController::class, 'ipn'])->middleware(FromSidecar::class . ':ipn,query');
        Route::get('galaxypay/result', [CallbackController::class, 'result'])->middleware(['web', FromSidecar::class . ':result,cancel']);
    }
}

<?php

namespace Demo;

use Illuminate\Support\Facades\Route;
use Illuminate\Support\ServiceProvider;

class ShopServiceProvider extends ServiceProvider
{
    public function boot(): void
    {
        Route::middleware('web')->group(function () {
            Route::get('/', [ShopController::class, 'home']);
            Route::post('/buy', [ShopController::class, 'buy']);
            Route::get('/orders/{order}', [ShopController::class, 'show']);
            Route::post('/refund', [ShopController::class, 'refund']);
        });
    }
}

import { CanActivate, ExecutionContext, Injectable, mixin, Type } from '@nestjs/common';
import { Request } from 'express';

/** Lets only requests through that the sidecar has proven to be one of these callbacks; all others get 403. */
export function FromSidecar(...callbacks: string[]): Type<CanActivate> {
  @Injectable()
  class Guard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const request = context.switchToHttp().getRequest<Request>();
      return callbacks.includes(request.get('Galaxypay-Callback') ?? '');
    }
  }
  return mixin(Guard);
}
